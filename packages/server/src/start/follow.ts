/** Follows logs, if `--tail` names any. */
import { stat } from 'node:fs/promises';
import { messageOf, Reto3Error, systemClock } from '@reto3/core';
import type { Follow } from '@reto3/sources';
import type { Counts } from './counts.ts';
import type { Start } from './start.ts';

/**
 * Loads the package on demand, so that a server without followed logs loads no formats.
 * @throws Reto3Error RETO3_BAD_SETTING
 */
export async function openFollow(
  { config, log, metrics, shutdown }: Start,
  { coordinator, store }: Counts,
): Promise<Follow | undefined> {
  if (config.tail === undefined) return undefined;
  await rejectSameFile(config.tail.map(({ path }) => path));
  const { Follow } = await import('@reto3/sources');
  const positions = await store.sources();
  try {
    const follow = await Follow.open(config.tail, {
      ...{ target: coordinator, positions, clock: systemClock, log, zone: config.tailZone },
    });
    coordinator.join(follow);
    metrics.add(follow.metrics);
    shutdown.add('follow', () => follow.stop());
    return follow;
  } catch (error) {
    if (!(error instanceof Reto3Error)) throw error;
    const { hint } = error;
    throw new Reto3Error('RETO3_BAD_SETTING', `--tail: ${messageOf(error)}`, {
      cause: error,
      hint,
    });
  }
}

/**
 * Rejects one file under two names, since each of its lines would be counted twice.
 * @throws Reto3Error RETO3_BAD_SETTING
 */
async function rejectSameFile(paths: readonly string[]): Promise<void> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) continue;
    const id = `${found.dev} ${found.ino}`;
    const other = names.get(id);
    if (other !== undefined)
      throw new Reto3Error(
        'RETO3_BAD_SETTING',
        `--tail: ${other} and ${path} are one file, want each file once`,
      );
    names.set(id, path);
  }
}

export function startFollowing({ config, log }: Start, follow: Follow | undefined): void {
  if (follow === undefined) return;
  if (config.tailLate > 0)
    log.info(
      { tailLateMs: config.tailLate },
      `logs are followed, so windows are final ${config.tailLate / 1_000} s later (--tail-late)`,
    );
  follow.begin();
}
