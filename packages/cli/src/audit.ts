/** Audits a server or a data folder, and formats the findings. */
import { ask } from '@reto3/client';
import { Reto3Error, timeText } from '@reto3/core';
import type { AskedRange, Audit, Place } from '@reto3/engine';
import type { Source } from './answers.ts';

/** @throws Reto3Error RETO3_BAD_TIME, and what the source throws */
export async function askAudit(source: Source, { from, to }: AskedRange): Promise<Audit> {
  if (!('dataDir' in source)) return ask(source, '/v1/audit', { from, to });
  const { auditFolder } = await import('@reto3/archive');
  return auditFolder(source.dataDir, { from, to }, Date.now());
}

/** The error that a failed audit ends the command with; undefined if every check passed. */
export function verdictOf({ checks }: Audit): Reto3Error | undefined {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.some(({ name }) => name !== 'archive'))
    return new Reto3Error('RETO3_CHECK_FAILED', 'not every count can be trusted');
  if (failed.some(({ unchecked }) => !unchecked))
    return new Reto3Error('RETO3_CHECK_FAILED', 'the counts agree, but not the archive', {
      hint: 'the lines above name the damaged files; counting needs none of them, so you may move them away',
    });
  if (failed.length > 0)
    return new Reto3Error('RETO3_DUCKDB_MISSING', 'part of the archive could not be checked');
  return undefined;
}

/** One line for each check, then one for each place that failed or is lost. */
export function auditLines({ checks, places, gone }: Audit): string[] {
  return [
    ...checks.map(({ name, ok, unchecked, says }) => {
      const failed = unchecked ? 'skip' : 'fail';
      return `${name.padEnd(8)} ${ok ? 'ok  ' : failed} ${says}`;
    }),
    ...places.map((place) => `${'fail'.padEnd(8)} ${placeText(place)}`),
    ...gone.map((place) => `${'gone'.padEnd(8)} ${placeText(place)}`),
  ];
}

function placeText({ period, from, to, reason }: Place): string {
  return `${period} from ${timeText(from)} to ${timeText(to)}: ${reason}`;
}
