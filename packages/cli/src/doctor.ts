/** Writes down what the doctor found and did. */

import { periodNames, timeText } from '@reto3/core';
import type { Finding, Repair } from '@reto3/engine';
import { auditLines } from './audit.ts';

export function findingLine({ check, state, says, cure }: Finding): string {
  return `${check.padEnd(8)} ${state.padEnd(4)} ${says}${cure === undefined ? '' : ` (${cure})`}`;
}

/** What was done, what is gone, and whether all holds now. */
export function repairLines(repair: Repair): string[] {
  const { copy, filesRepaired, dropped, changes, writesMissing, gone, audit } = repair;
  const lost = periodNames.flatMap((name) =>
    gone[name].map(({ from, to }) => `gone     ${name} from ${timeText(from)} to ${timeText(to)}`),
  );
  return [
    `copied   to ${copy}`,
    ...(filesRepaired === undefined ? [] : [`files    saved by LevelDB: ${filesRepaired}`]),
    ...dropped.map(({ row, key, reason }) => {
      const name = row === undefined ? key : `${row.series} at ${timeText(row.start)}`;
      return `dropped  ${name}: ${reason}`;
    }),
    ...(writesMissing === 0 ? [] : [`missing  the newest ${writesMissing} writes`]),
    `rows     ${changes} written anew or deleted, so that the periods agree`,
    ...(lost.length === 0 ? ['gone     nothing'] : lost),
    ...auditLines({ ...audit, gone: [] }),
  ];
}
