/** Writes a backup of a server or a data folder to a file, and restores one. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerCut, request } from '@reto3/client';
import { Reto3Error } from '@reto3/core';
import type { DataFolder, Restored } from '@reto3/engine';
import type { Source } from './answers.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { abortable } from './clean-up.ts';
import { keepFilesPrivate } from './private-files.ts';
import { withProgress } from './terminal/progress.ts';

/** Resolves with the number of rows and the size of the file, once it is complete and on disk. */
export async function backUp(
  source: Source,
  file: string,
): Promise<{ rows: number; bytes: number }> {
  if (file === '-')
    throw new Reto3Error('RETO3_FILE_UNWRITABLE', 'cannot write a backup to stdout', {
      hint: 'name a file: a backup is read back before it gets its name',
    });
  let rows = 0;
  const count = async (written: string): Promise<void> => {
    const { isRow, readBackup } = await import('@reto3/engine');
    const records = readBackup(createReadStream(written));
    for await (const record of records) if (isRow(record)) rows++;
  };
  const write = (into: Writable): Promise<void> =>
    'dataDir' in source ? fromFolder(source.dataDir, into) : fromServer(source, into);
  await writeFileAtomically(file, 'owner', write, count);
  return { rows, bytes: (await stat(file)).size };
}

async function fromServer(source: Exclude<Source, { dataDir: string }>, into: Writable) {
  const response = await request(source, '/v1/backup', {});
  await pipeline(
    failing(response, (error) => answerCut(source, error)),
    into,
  );
}

async function fromFolder(folder: string, into: Writable): Promise<void> {
  const { DataFolder, holdsDatabase, mergerFolderOf, readFailure, writeBackup } = await import(
    '@reto3/engine'
  );
  const write = async (data: DataFolder, beside?: DataFolder): Promise<void> => {
    const [node, merger] = [data.backup(), beside?.backup()];
    const pieces = failing(writeBackup(node, merger), (error) => readFailure(folder, error));
    try {
      await pipeline(Readable.from(pieces, { objectMode: false }), into);
    } finally {
      await node.close();
      await merger?.close();
    }
  };
  const hasMerger = await holdsDatabase(mergerFolderOf(folder));
  await DataFolder.with(folder, (data) =>
    hasMerger
      ? DataFolder.ofScope(folder, 'cluster', (merger) => write(data, merger))
      : write(data),
  );
}

/** The same pieces; an error of their source as one that is not taken for the file's. */
async function* failing(
  pieces: AsyncIterable<Uint8Array>,
  failureOf: (error: unknown) => Reto3Error,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (error) {
    throw failureOf(error);
  }
}

/** Creates a data folder from a backup; resolves with a summary of its content. */
export async function restoreBackup(file: string, folder: string): Promise<Restored> {
  keepFilesPrivate();
  const { restore } = await import('@reto3/engine');
  return abortable((signal) =>
    withProgress(`restoring ${folder}`, (update) => {
      const onRead = (bytes: number, ofBytes: number): void => update({ bytes, ofBytes });
      return restore(file, folder, Date.now(), onRead, signal);
    }),
  );
}
