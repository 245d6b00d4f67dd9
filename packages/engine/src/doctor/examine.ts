/** Examines a machine and a data folder: one finding for each check, in the order of a start. */
import { type Clock, min, Reto3Error, systemClock, timeText } from '@reto3/core';
import { audit } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { holdsDatabase } from '../store/database.ts';
import { damagedTables } from '../store/files/table.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import {
  checkClock,
  checkFsync,
  checkGlibc,
  checkNode,
  checkPort,
  checkPrivacy,
  checkSpace,
  checkUws,
} from './machine.ts';

interface Patient {
  readonly dataDir: string;
  readonly port: number;
  readonly adminPort: number;
  /** Gives the version of uWebSockets.js, or throws why none can be loaded; undefined: not needed. */
  readonly loadUws: (() => string) | undefined;
}

export async function* examine(
  { dataDir, port, adminPort, loadUws }: Patient,
  clock: Clock = systemClock,
): AsyncGenerator<Finding> {
  yield checkNode(process.versions.node);
  yield checkGlibc(process.report?.getReport());
  yield checkUws(loadUws);
  yield await checkPort('port', port, adminPort);
  yield await checkPort('admin', adminPort, adminPort);
  yield await checkClock(clock);
  yield await checkSpace(dataDir);
  yield await checkFsync(dataDir);
  yield* checkPrivacy(dataDir);
  yield* checkFolder(dataDir, clock.read().wallMs);
}

const repairCure = 'reto3 doctor --repair mends it, and keeps a copy';

/** Files and rows of a data folder. */
async function* checkFolder(folder: string, nowMs: number): AsyncGenerator<Finding> {
  try {
    if (!(await holdsDatabase(folder))) {
      yield ok('data', `${folder} holds no counts yet`);
      return;
    }
    // Not through LevelDB, whose parser may end the process over a damaged table.
    const tables = await damagedTables(folder);
    for (const { file, damage } of tables)
      yield fail('data', `cannot read ${file} in ${folder}: ${damage}`, repairCure);
    if (tables.length > 0) return;
    yield* await DataFolder.with(folder, (data) => checkRows(data, folder, nowMs));
  } catch (error) {
    if (!(error instanceof Reto3Error)) throw error;
    if (error.code === 'RETO3_DATA_LOCKED')
      yield ok('data', `a server holds ${folder}; reto3 audit asks it for its rows`);
    else yield fail('data', error.message, error.hint);
  }
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
