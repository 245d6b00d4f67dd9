/** Writes a backup of a server, or of the folder of one that is stopped, into a file. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerCut, request } from '@reto3/client';
import { Reto3Error } from '@reto3/core';
import type { Source } from './answers.ts';
import { writeWhole } from './whole-file.ts';

/** How many rows it holds, and its size. The file is there, and whole, when this resolves. */
export async function backUp(
  source: Source,
  file: string,
): Promise<{ rows: number; bytes: number }> {
  let rows = 0;
  const count = async (written: string): Promise<void> => {
    const { readBackup } = await import('@reto3/engine');
    const records = readBackup(createReadStream(written));
    for await (const record of records) if (!('text' in record)) rows++;
  };
  const write = (into: Writable): Promise<void> =>
    'dataDir' in source ? fromFolder(source.dataDir, into) : fromServer(source, into);
  await writeWhole(file, 'owner', write, count);
  return { rows, bytes: (await stat(file)).size };
}

async function fromServer(source: Exclude<Source, { dataDir: string }>, into: Writable) {
  const response = await request(source, '/v1/backup', {});
  await pipeline(response, into).catch((error: unknown) => {
    // A file that cannot be written is told as that; see writeWhole.
    throw into.errored ?? answerCut(source, error);
  });
}

async function fromFolder(folder: string, into: Writable): Promise<void> {
  const [{ DataFolder }, { writeBackup }] = await Promise.all([
    import('@reto3/engine'),
    import('@reto3/engine'),
  ]);
  await DataFolder.with(folder, async ({ store }) => {
    const snapshot = store.snapshot();
    try {
      await pipeline(Readable.from(writeBackup(snapshot), { objectMode: false }), into);
    } catch (error) {
      throw error instanceof Reto3Error ? error : (into.errored ?? error);
    } finally {
      await snapshot.close();
    }
  });
}
