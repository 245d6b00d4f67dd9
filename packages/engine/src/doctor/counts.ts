/**
 * Checks the files and rows of a data folder that holds counts: LevelDB's tables, then an audit.
 * The doctor loads this file, and with it most of the engine, only for such a folder.
 */
import { quantity, timeText } from '@reto3/core';
import { auditFolder, type Place } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { damagedTables } from '../store/files/tables.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { openMergersFailure } from '../store/owner.ts';
import { assertRepairable } from './assert-repairable.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const repairCure = 'run reto3 doctor --repair, which keeps a copy';

/** @throws Reto3Error if the folder cannot be opened, or is not a server's */
export async function* checkCounts(folder: string, nowMs: number): AsyncGenerator<Finding> {
  await assertRepairable(folder);
  // LevelDB's parser may crash the process on a damaged table, so it must not see one.
  const tables = await damagedTables(folder);
  for (const { file, damage } of tables)
    yield fail('data', `cannot read ${file} in ${folder}: ${damage}`, repairCure);
  if (tables.length > 0) return;
  yield* await DataFolder.with(folder, (data) => checkRows(data, folder, nowMs));
}

/**
 * Checks what could keep a merger from starting. It checks its rows by itself, and reads damaged ones
 * again from the nodes.
 * @param folder the merger's
 * @throws Reto3Error if the folder cannot be opened, or is not a merger's
 */
export async function* checkMerger(folder: string): AsyncGenerator<Finding> {
  const store = await new HeldFolder(folder, 'merger')
    .openExistingStore()
    .catch((error: unknown) => {
      throw openMergersFailure(error);
    });
  await store.close();
  yield ok('merger', `${folder} opens`);
}

async function checkRows(data: DataFolder, folder: string, nowMs: number): Promise<Finding[]> {
  const { meta, messages } = data.recovered;
  const left = meta.clean ? 'left cleanly' : 'left by a crash, its journal is whole';
  const { checks, places, gone } = await auditFolder(data, nowMs);
  return [
    ok('data', `${folder} opens, ${left}: ${quantity(messages, 'message')}`),
    ...checks.map(({ name, says, ...check }) =>
      check.ok ? ok(name, says) : fail(name, says, repairCure),
    ),
    ...places.map((place) => fail('place', placeText(place), repairCure)),
    ...gone.map((place) => warn('gone', placeText(place), 'an earlier backup may have it')),
  ];
}

function placeText({ period, from, to, reason }: Place): string {
  return `${period} from ${timeText(from)} to ${timeText(to)}: ${reason}`;
}
