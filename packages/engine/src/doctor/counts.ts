/**
 * Checks the files and rows of a data folder that holds counts: LevelDB's tables, then an audit.
 * The doctor loads this file, and with it most of the engine, only for such a folder.
 */
import { min, timeText } from '@reto3/core';
import { audit } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { damagedTables } from '../store/files/tables.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const repairCure = 'run reto3 doctor --repair, which keeps a copy';

/** @throws Reto3Error if the folder cannot be opened */
export async function* checkCounts(folder: string, nowMs: number): AsyncGenerator<Finding> {
  // LevelDB's parser may crash the process on a damaged table, so it must not see one.
  const tables = await damagedTables(folder);
  for (const { file, damage } of tables)
    yield fail('data', `cannot read ${file} in ${folder}: ${damage}`, repairCure);
  if (tables.length > 0) return;
  yield* await DataFolder.with(folder, (data) => checkRows(data, folder, nowMs));
}

async function checkRows(data: DataFolder, folder: string, nowMs: number): Promise<Finding[]> {
  const { meta, messages } = data.recovered;
  const left = meta.clean ? 'left cleanly' : 'left by a crash, its journal is whole';
  const findings = [ok('data', `${folder} opens, ${left}: ${messages} messages`)];
  const view = await data.view(min, nowMs);
  try {
    const counted = { messagesInAll: messages, messagesSinceStart: 0 };
    const found = await audit(view, counted, {}, nowMs);
    for (const check of found.checks)
      findings.push(
        check.ok ? ok(check.name, check.says) : fail(check.name, check.says, repairCure),
      );
    for (const { period, from, to, reason } of found.places)
      findings.push(fail('place', `${period} ${stretchText(from, to)}: ${reason}`, repairCure));
    for (const { period, from, to, reason } of found.gone)
      findings.push(
        warn(
          'gone',
          `${period} ${stretchText(from, to)}: ${reason}`,
          'a backup from before may have it',
        ),
      );
  } finally {
    await view.store.close();
  }
  return findings;
}

function stretchText(from: number, to: number): string {
  return `from ${timeText(from)} to ${timeText(to)}`;
}
