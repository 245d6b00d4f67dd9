/** Writes a backup of a server or a data folder into a file, and restores one. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerCut, request } from '@reto3/client';
import { Reto3Error } from '@reto3/core';
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
    const { readBackup } = await import('@reto3/engine');
    const records = readBackup(createReadStream(written));
    for await (const record of records) if (!('text' in record)) rows++;
  };
  const write = (into: Writable): Promise<void> =>
    'dataDir' in source ? fromFolder(source.dataDir, into) : fromServer(source, into);
  await writeFileAtomically(file, 'owner', write, count);
  return { rows, bytes: (await stat(file)).size };
}

async function fromServer(source: Exclude<Source, { dataDir: string }>, into: Writable) {
  const response = await request(source, '/v1/backup', {});
  await pipeline(response, into).catch((error: unknown) => {
    // writeFileAtomically names the file that cannot be written.
    throw into.errored ?? answerCut(source, error);
  });
}

async function fromFolder(folder: string, into: Writable): Promise<void> {
  const { DataFolder, writeBackup } = await import('@reto3/engine');
  await DataFolder.with(folder, async (data) => {
    const snapshot = data.backup();
    try {
      await pipeline(Readable.from(writeBackup(snapshot), { objectMode: false }), into);
    } catch (error) {
      throw error instanceof Reto3Error ? error : (into.errored ?? error);
    } finally {
      await snapshot.close();
    }
  });
}

/** Creates a data folder of a backup; resolves with what it holds. */
export async function restoreBackup(
  file: string,
  folder: string,
): Promise<{ readonly rows: number; readonly messages: number }> {
  keepFilesPrivate();
  const { restore } = await import('@reto3/engine');
  return abortable((signal) =>
    withProgress(`restoring ${folder}`, (update) => {
      const onRead = (bytes: number, ofBytes: number): void => update({ bytes, ofBytes });
      return restore(file, folder, Date.now(), onRead, signal);
    }),
  );
}
