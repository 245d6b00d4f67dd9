/** Where `reto3 bursts --who` reads keys from, if no server does it. */
import { existsSync } from 'node:fs';
import { Reto3Error } from '@reto3/core';
import type { CountKeys } from '@reto3/engine';
import { type CountsSource, scopeOf } from './answers.ts';

/**
 * @param who the key, as the user named it
 * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE, RETO3_BAD_FLAG, RETO3_DUCKDB_MISSING
 */
export async function keysOf(
  source: CountsSource,
  selector: Parameters<typeof scopeOf>[0],
  who: string,
): Promise<CountKeys> {
  const { archiveFolderOf, parseWhoKey } = await import('@reto3/engine');
  const key = parseWhoKey(who);
  if ('logs' in source) {
    const { countLogKeys } = await import('@reto3/sources');
    return countLogKeys(source.logs, source.options, Date.now(), key);
  }
  if (!('dataDir' in source)) throw new Error('BUG: a server names who was behind its bursts');
  if (scopeOf(selector).scope === 'cluster')
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --who with --cluster, want one of them', {
      hint: 'ask the node itself: only its archive has the messages',
    });
  const folder = archiveFolderOf(source.dataDir);
  if (!existsSync(folder))
    throw new Reto3Error(
      'RETO3_NO_ARCHIVE',
      `there is no archive in ${folder}, which has the keys`,
      {
        hint: 'record messages with reto3 serve --archive',
      },
    );
  const { archivedKey, countKeys } = await import('@reto3/archive');
  const archived = archivedKey(key);
  return (range, stretches) => countKeys({ folder, range, stretches, key: archived });
}
