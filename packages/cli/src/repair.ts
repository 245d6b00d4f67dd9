/** Repairs a data folder, and prints the repairs and losses. */
import { periodNames, timeText } from '@reto3/core';
import { type Repair, repair } from '@reto3/engine';
import { auditLines } from './audit.ts';
import { abortable } from './clean-up.ts';
import { exitCode } from './exit-code.ts';
import { keepFilesPrivate } from './private-files.ts';
import { withProgress } from './terminal/progress.ts';
import { printLine } from './terminal/standard-streams.ts';

export async function repairAndPrint(folder: string, asJson: boolean): Promise<void> {
  keepFilesPrivate();
  const repaired = await abortable((signal) =>
    withProgress(`repairing ${folder}`, () => repair(folder, Date.now(), signal)),
  );
  if (!repaired.audit.ok) process.exitCode = exitCode.checkFailed;
  printLine(asJson ? JSON.stringify(repaired) : repairLines(repaired).join('\n'));
}

/** The repairs, the losses, and the audit afterwards. */
function repairLines(repair: Repair): string[] {
  const { copy, filesRepaired, dropped, changes, writesMissing, journalDamage, gone, audit } =
    repair;
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
    ...(journalDamage === undefined ? [] : [`journal  ${journalDamage}`]),
    `rows     ${changes} written anew or deleted, so that the periods agree`,
    ...(lost.length === 0 ? ['gone     nothing'] : lost),
    ...auditLines({ ...audit, gone: [] }),
  ];
}
