/** Examines a machine and a data folder: one finding for each check, in the order of a start. */
import { type Clock, Reto3Error, systemClock } from '@reto3/core';
import { holdsDatabase } from '../store/database-files.ts';
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

async function* checkFolder(folder: string, nowMs: number): AsyncGenerator<Finding> {
  try {
    if (!(await holdsDatabase(folder))) {
      yield ok('data', `${folder} holds no counts yet`);
      return;
    }
    // Loaded only here: it is most of the engine.
    const { checkCounts } = await import('./counts.ts');
    yield* checkCounts(folder, nowMs);
  } catch (error) {
    if (!(error instanceof Reto3Error)) throw error;
    if (error.code === 'RETO3_DATA_LOCKED')
      yield ok('data', `a server holds ${folder}; reto3 audit asks it for its rows`);
    else yield fail('data', error.message, error.hint);
  }
}
