/**
 * Restores a backup into an empty folder. Reads the file to its end before writing anything, and
 * audits the folder before reporting success.
 *
 * The node's meta row is written last. Until then the folder has an anchor and no meta row, so if
 * the process dies half-way, every server refuses the folder.
 */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Reto3Error, timeText } from '@reto3/core';
import { auditFolder } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { anchorIn } from '../store/anchor.ts';
import { openDatabase } from '../store/database.ts';
import { decodeGone } from '../store/gone.ts';
import { mergerFolderOf } from '../store/inner-folders.ts';
import type { Series } from '../store/keys.ts';
import { decodeMeta, type Meta, unseal } from '../store/meta.ts';
import type { EncodedRow } from '../store/rows.ts';
import { type Change, Store } from '../store/store.ts';
import { type BackupRecord, damaged, damageIn, isRow, readBackup } from './stream.ts';

export interface Restored {
  /** All rows, including those of the merger. */
  readonly rows: number;
  /** Messages that the node counted. */
  readonly messages: number;
  /** Rows of the merger; absent if the backup has none. */
  readonly mergerRows?: number | undefined;
}

/** Rows in one write. */
const batchRows = 256;

/** Called with the bytes read so far, of so many. */
type OnRead = (bytes: number, ofBytes: number) => void;

/**
 * After a failure, or when aborted, deletes what it has written.
 * @param nowMs the present, epoch ms
 * @param onRead called with the progress; the file is read twice, so it has twice its bytes to read
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

/** The meta rows of the node and of its merger. */
interface Metas {
  readonly node: Meta;
  readonly merger: Meta | undefined;
}

/**
 * Reads the backup to its end and returns its meta rows.
 * @throws Reto3Error RETO3_BACKUP_DAMAGED
 */
async function check(all: Records, signal: AbortSignal): Promise<Metas> {
  const found: { node?: Meta; merger?: Meta } = {};
  let owner: 'node' | 'merger' = 'node';
  for await (const record of all) {
    signal.throwIfAborted();
    if ('begins' in record) owner = record.begins;
    else if ('text' in record && record.text === 'node') found[owner] = metaIn(record.value);
    // A merger reads its damaged rows again from its nodes.
    else if ('series' in record && owner === 'node') assertIntact(record.series, record.row);
  }
  const { node, merger } = found;
  if (node === undefined || (owner === 'merger' && merger === undefined))
    throw damaged(`it has no meta row of its ${owner}`);
  return { node, merger };
}

function metaIn(text: string): Meta {
  if (unseal(text) === undefined) throw damaged('the checksum of its meta row does not match');
  return decodeMeta(text);
}

function assertIntact(series: Series, row: EncodedRow): void {
  const damage = damageIn(series, row);
  if (damage === undefined) return;
  throw damaged(`its ${series} row of ${timeText(damage.from)} is damaged: ${damage.reason}`);
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

/** A folder that is being filled. Every server refuses it before `finish`. */
class NewFolder {
  readonly #store: Store;
  readonly #meta: Meta;
  #batch: Change[] = [];
  rows = 0;

  private constructor(store: Store, meta: Meta) {
    this.#store = store;
    this.#meta = meta;
  }

  /** @param backedUp the meta row in the backup */
  static async open(folder: string, backedUp: Meta): Promise<NewFolder> {
    await mkdir(folder, { recursive: true });
    const writes = backedUp.writes + 1;
    await anchorIn(folder).write(writes);
    // Clean, since a backup begins with a flush and so lacks nothing.
    const meta = { ...backedUp, ...withoutBoot(backedUp), writes, clean: true };
    return new NewFolder(await Store.open(() => openDatabase(folder)), meta);
  }

  async add(record: StoredRecord): Promise<void> {
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

type StoredRecord = Exclude<BackupRecord, { begins: unknown }>;

/** Undefined for the meta row, which `finish` writes, and for a damaged row of lost ranges. */
function changeOf(record: StoredRecord): Change | undefined {
  if ('series' in record) return { put: record.series, ...record.row };
  if (!('text' in record)) return record;
  if (record.text === 'merge') return { merge: record.value };
  const gone = record.text === 'gone' ? decodeGone(record.value) : undefined;
  return gone && { gone };
}

/**
 * The boot that made the backup may have published more since, which this folder lacks. Boot 0
 * tells the cluster that the folder is not the one that published last.
 */
function withoutBoot({ cluster }: Meta): Pick<Meta, 'cluster'> {
  return cluster === undefined ? {} : { cluster: { ...cluster, boot: 0, after: 0 } };
}

/**
 * Audits the folder; returns the number of its messages.
 * @throws Reto3Error RETO3_BACKUP_DAMAGED
 */
async function assertHolds(folder: string, nowMs: number): Promise<number> {
  return DataFolder.with(folder, async (data) => {
    const { ok, places } = await auditFolder(data, nowMs);
    if (!ok) throw damaged(places[0]?.reason ?? 'its counts do not add up');
    return data.recovered.messages;
  });
}
