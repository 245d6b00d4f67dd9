/**
 * Restores a backup into an empty folder. The file is read to its end before anything is written,
 * and what was written is audited before this says that it is done.
 *
 * Until then the folder has an anchor and no meta row, so whatever ends this in the middle leaves a
 * folder that every server refuses, and never one that is half there. The node's meta row comes last.
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
import { mergerFolderOf } from '../store/inner-folders.ts';
import { decodeMeta, type Meta } from '../store/meta.ts';
import { type Change, Store } from '../store/store.ts';
import { assertWhole, type Record as BackupRecord, damaged, isRow, readBackup } from './stream.ts';

export interface Restored {
  /** In all. */
  readonly rows: number;
  /** Of the node. */
  readonly messages: number;
  /** Of the merger beside the node; absent where the backup has none. */
  readonly mergerRows?: number | undefined;
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
  const metas = await check(
    records(file, (bytes, ofBytes) => onRead(bytes, 2 * ofBytes)),
    signal,
  );
  try {
    const written = records(file, (bytes, ofBytes) => onRead(ofBytes + bytes, 2 * ofBytes));
    const { rows, mergerRows } = await write(written, folder, metas, signal);
    const messages = await assertHolds(folder, nowMs);
    signal.throwIfAborted();
    return { rows, messages, ...(mergerRows !== undefined && { mergerRows }) };
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

/** The meta rows of the node, and of the merger beside it. */
interface Metas {
  readonly node: Meta;
  readonly merger: Meta | undefined;
}

/** Reads all of it; gives its meta rows. @throws Reto3Error RETO3_BACKUP_DAMAGED */
async function check(all: Records, signal: AbortSignal): Promise<Metas> {
  const found: { node?: Meta; merger?: Meta } = {};
  let whose: 'node' | 'merger' = 'node';
  for await (const record of all) {
    signal.throwIfAborted();
    if ('begins' in record) whose = record.begins;
    else if ('text' in record && record.text === 'node') found[whose] = decodeMeta(record.value);
    // A merger reads what is damaged again from its nodes.
    else if ('series' in record && whose === 'node') assertWhole(record.series, record.row);
  }
  const { node, merger } = found;
  if (node === undefined || (whose === 'merger' && merger === undefined))
    throw damaged(`it says nothing of its ${whose}`);
  return { node, merger };
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
  metas: Metas,
  signal: AbortSignal,
): Promise<Pick<Restored, 'rows' | 'mergerRows'>> {
  const node = await NewFolder.open(folder, metas.node);
  let merger: NewFolder | undefined;
  try {
    for await (const record of all) {
      signal.throwIfAborted();
      if (!('begins' in record)) await (merger ?? node).add(record);
      else if (metas.merger !== undefined)
        merger = await NewFolder.open(mergerFolderOf(folder), metas.merger);
    }
    await merger?.finish();
    await node.finish();
    const mergerRows = merger?.rows;
    return { rows: node.rows + (mergerRows ?? 0), mergerRows };
  } finally {
    await merger?.close();
    await node.close();
  }
}

/** A folder that is being filled: no server takes it before `finish`. */
class NewFolder {
  readonly #store: Store;
  readonly #meta: Meta;
  #batch: Change[] = [];
  rows = 0;

  private constructor(store: Store, meta: Meta) {
    this.#store = store;
    this.#meta = meta;
  }

  /** @param backedUp what it was when it was backed up */
  static async open(folder: string, backedUp: Meta): Promise<NewFolder> {
    await mkdir(folder, { recursive: true });
    const writes = backedUp.writes + 1;
    await anchorIn(folder).write(writes);
    // A backup begins with a flush, so nothing was lost on its way here.
    const meta = { ...backedUp, ...withoutBoot(backedUp), writes, clean: true };
    return new NewFolder(await Store.open(() => openDatabase(folder)), meta);
  }

  async add(record: Exclude<BackupRecord, { begins: unknown }>): Promise<void> {
    const change = changeOf(record);
    if (change === undefined) return;
    this.#batch.push(change);
    if (isRow(record)) this.rows++;
    if (this.#batch.length < batchRows) return;
    await this.#store.write(this.#batch, { sync: false });
    this.#batch = [];
  }

  async finish(): Promise<void> {
    await this.#store.write([...this.#batch, { meta: this.#meta }], { sync: true });
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** Undefined for what is written last, or not at all. */
function changeOf(record: Exclude<BackupRecord, { begins: unknown }>): Change | undefined {
  if ('series' in record) return { put: record.series, ...record.row };
  if (!('text' in record)) return record;
  if (record.text === 'merge') return { merge: record.value };
  const gone = record.text === 'gone' ? decodeGone(record.value) : undefined;
  return gone && { gone };
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
