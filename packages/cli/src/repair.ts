/** Repairs a data folder, and prints the repairs and losses. */
import { messageOf, periodNames, quantity, timeText } from '@reto3/core';
import {
  archiveFolderOf,
  type FoundWrites,
  giveArchiveToOwner,
  type Repair,
  repair,
} from '@reto3/engine';
import { auditLines } from './audit.ts';
import { abortable } from './clean-up.ts';
import { exitCode } from './exit-code.ts';
import { keepFilesPrivate } from './private-files.ts';
import { hasArchive, recoverArchiveIn } from './recover-archive.ts';
import { noteOnStderr } from './terminal/notes.ts';
import { withProgress } from './terminal/progress.ts';
import { printLine } from './terminal/standard-streams.ts';

export async function repairAndPrint(folder: string, asJson: boolean): Promise<void> {
  keepFilesPrivate();
  const repaired = await abortable((signal) =>
    withProgress(`repairing ${folder}`, () =>
      repair(folder, Date.now(), signal, (found) => settleArchive(folder, found)),
    ),
  );
  if (!repaired.audit.ok) process.exitCode = exitCode.checkFailed;
  printLine(asJson ? JSON.stringify(repaired) : repairLines(repaired).join('\n'));
}

/**
 * Removes what the store has lost from the archive. If writes are missing, the counts of their time
 * are unknown, so segments keep its messages; an interrupted import is finished or undone.
 */
async function settleArchive(dataDir: string, { last, areShort }: FoundWrites): Promise<void> {
  if (!hasArchive(dataDir)) return;
  try {
    const { finishImports } = await import('@reto3/archive');
    if (areShort) finishImports(archiveFolderOf(dataDir), last);
    else await recoverArchiveIn(dataDir, last);
  } catch (error) {
    noteOnStderr(`cannot recover the archive: ${messageOf(error)}; the counts are repaired`);
  } finally {
    await giveArchiveToOwner(dataDir);
  }
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
    ...(writesMissing === 0 ? [] : [`missing  the newest ${quantity(writesMissing, 'write')}`]),
    ...(journalDamage === undefined ? [] : [`journal  ${journalDamage}`]),
    `rows     ${changes} written anew or deleted, so that the periods agree`,
    ...(lost.length === 0 ? ['gone     nothing'] : lost),
    ...auditLines({ ...audit, gone: [] }),
  ];
}
