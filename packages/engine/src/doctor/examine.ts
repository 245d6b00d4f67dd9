/**
 * Examines a machine and a data folder for `reto3 doctor`: a finding for each check, in the order
 * in which a server's start would meet the problems. Changes nothing.
 */
import { existsSync } from 'node:fs';
import { type Clock, Reto3Error, systemClock } from '@reto3/core';
import { holdsDatabase } from '../store/database-files.ts';
import { mergerFolderOf } from '../store/inner-folders.ts';
import { type Finding, fail, ok } from './finding.ts';
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

interface Examined {
  readonly dataDir: string;
  readonly port: number;
  readonly adminPort: number;
  /** Returns the version of uWebSockets.js, or throws; undefined if the server does not need it. */
  readonly loadUws: (() => string) | undefined;
}

export async function* examine(
  { dataDir, port, adminPort, loadUws }: Examined,
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

const auditHint = '; reto3 audit checks its rows';

async function* checkFolder(folder: string, nowMs: number): AsyncGenerator<Finding> {
  // Loaded only if needed, since it is most of the engine.
  const load = () => import('./counts.ts');
  const merger = mergerFolderOf(folder);
  yield* checkDatabase('data', folder, async function* () {
    if (await holdsDatabase(folder)) yield* (await load()).checkCounts(folder, nowMs);
    else yield ok('data', `${folder} holds no counts yet`);
  });
  yield* checkDatabase('merger', merger, async function* () {
    if (existsSync(merger) && (await holdsDatabase(merger)))
      yield* (await load()).checkMerger(merger);
  });
}

/** The findings of `check`; what it throws becomes one. */
async function* checkDatabase(
  name: string,
  folder: string,
  check: () => AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  try {
    yield* check();
  } catch (error) {
    if (!(error instanceof Reto3Error)) throw error;
    if (error.code === 'RETO3_DATA_LOCKED')
      yield ok(name, `a server holds ${folder}${name === 'data' ? auditHint : ''}`);
    else yield fail(name, error.message, error.hint);
  }
}
