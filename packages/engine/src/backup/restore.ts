/**
 * Restores a backup into an empty folder. The file is read to its end before anything is written,
 * and what was written is audited before this says that it is done.
 *
 * Until then the folder has an anchor and no meta row, so whatever ends this in the middle leaves a
 * folder that every server refuses, and never one that is half there.
 */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, min, Reto3Error } from '@reto3/core';
import { audit } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { anchorIn } from '../store/anchor.ts';
import { openDatabase } from '../store/database.ts';
import { decodeGone } from '../store/gone.ts';
import { decodeMeta, type Meta } from '../store/meta.ts';
import { type Change, Store } from '../store/store.ts';
import { assertWhole, damaged, readBackup } from './stream.ts';

export interface Restored {
  readonly rows: number;
  readonly messages: number;
}

/** So many rows are written at once. */
const batchRows = 256;

/** Told how many bytes of the file were read, of so many: it is read twice. */
type OnRead = (bytes: number, ofBytes: number) => void;

/**
 * @param signal gives it up; what was written is deleted then, as after a failure
 * @throws Reto3Error RETO3_BACKUP_DAMAGED, RETO3_FOLDER_NOT_EMPTY, RETO3_DATA_UNREADABLE
 */
export async function restore(
  file: string,
  folder: string,
  nowMs: number,
  onRead: OnRead = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<Restored> {
  await assertEmpty(folder);
  const isNew = !existsSync(folder);
  const meta = await check(
    records(file, (bytes, ofBytes) => onRead(bytes, 2 * ofBytes)),
    signal,
  );
  try {
    const written = records(file, (bytes, ofBytes) => onRead(ofBytes + bytes, 2 * ofBytes));
    const rows = await write(written, folder, meta, signal);
    const messages = await assertHolds(folder, nowMs);
    signal.throwIfAborted();
    return { rows, messages };
  } catch (error) {
    if (isNew) await rm(folder, { recursive: true, force: true });
    for (const name of await readdir(folder).catch(() => []))
      await rm(join(folder, name), { recursive: true, force: true });
    throw error;
  }
}

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    const message = `cannot restore into ${folder}: ${messageOf(error)}`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error });
  });
  if (names.length === 0) return;
  throw new Reto3Error('RETO3_FOLDER_NOT_EMPTY', `cannot restore into ${folder}: it is not empty`);
}

/** Reads all of it; gives its meta row. @throws Reto3Error RETO3_BACKUP_DAMAGED */
async function check(all: Records, signal: AbortSignal): Promise<Meta> {
  let meta: Meta | undefined;
  for await (const record of all) {
    signal.throwIfAborted();
    if ('series' in record) assertWhole(record.series, record.row);
    else if ('text' in record && record.text === 'meta') meta = decodeMeta(record.value);
  }
  if (meta === undefined) throw damaged('it says nothing of its node');
  return meta;
}

type Records = ReturnType<typeof readBackup>;

async function* records(file: string, onRead: OnRead): Records {
  try {
    const { size } = await stat(file);
    const stream = createReadStream(file);
    for await (const record of readBackup(stream)) {
      onRead(stream.bytesRead, size);
      yield record;
    }
  } catch (error) {
    if (error instanceof Reto3Error) throw error;
    throw damaged(messageOf(error));
  }
}

async function write(
  all: Records,
  folder: string,
  meta: Meta,
  signal: AbortSignal,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const writes = meta.writes + 1;
  await anchorIn(folder).write(writes);
  const store = await Store.open(() => openDatabase(folder));
  try {
    let rows = 0;
    let batch: Change[] = [];
    for await (const record of all) {
      if ('series' in record) {
        const { series, row } = record;
        batch.push({ put: series, start: row.start, bytes: row.bytes });
        rows++;
      } else if ('report' in record) {
        batch.push(record);
        rows++;
      } else if (record.text === 'gone') {
        const gone = decodeGone(record.value);
        if (gone !== undefined) batch.push({ gone });
      }
      if (batch.length < batchRows) continue;
      signal.throwIfAborted();
      await store.write(batch, { sync: false });
      batch = [];
    }
    // A backup begins with a flush, so nothing was lost on its way here.
    const restored = { ...meta, ...withoutBoot(meta), writes, clean: true };
    await store.write([...batch, { meta: restored }], { sync: true });
    return rows;
  } finally {
    await store.close();
  }
}

/**
 * The boot that the backup was made in may have published more since, which this folder lacks. With
 * no boot at all it is known for what it is: not what was published last.
 */
function withoutBoot({ cluster }: Meta): Pick<Meta, 'cluster'> {
  return cluster === undefined ? {} : { cluster: { ...cluster, boot: 0, after: 0 } };
}

/** How many messages the folder holds. @throws Reto3Error RETO3_BACKUP_DAMAGED */
async function assertHolds(folder: string, nowMs: number): Promise<number> {
  return DataFolder.with(folder, async (data) => {
    const { messages } = data.recovered;
    const view = await data.view(min, nowMs);
    try {
      const counted = { messagesInAll: messages, messagesSinceStart: 0 };
      const { ok, places } = await audit(view, counted, {}, nowMs);
      if (!ok) throw damaged(places[0]?.reason ?? 'its counts do not add up');
      return messages;
    } finally {
      await view.store.close();
    }
  });
}
