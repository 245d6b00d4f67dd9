/**
 * Restores a backup into an empty folder. Reads the file to its end before writing anything, and
 * audits the folder before reporting success.
 *
 * The anchor is written first, and claims the folder: only one of two restores can create it, and a
 * restore deletes nothing in a folder that it did not claim, and only what it wrote in one that it
 * did. The node's meta row is written last.
 * Until then the folder has an anchor and no meta row, so if the process dies half-way, every
 * server refuses the folder.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Reto3Error, timeText } from '@reto3/core';
import { auditFolder } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { anchorFile, anchorIn } from '../store/anchor.ts';
import { openDatabase } from '../store/database.ts';
import { codeOf, firstWriteFailure } from '../store/database-failure.ts';
import { hintOfFile, holdsDatabase, isOfDataFolder } from '../store/database-files.ts';
import { decodeGone } from '../store/gone.ts';
import { lostAndFound, mergerFolderOf } from '../store/inner-folders.ts';
import type { Series } from '../store/keys.ts';
import { decodeMeta, type Meta, unseal } from '../store/meta.ts';
import { giveToOwner } from '../store/ownership.ts';
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
  await assertReadableTwice(file);
  const metas = await check(
    records(file, (bytes, ofBytes) => onRead(bytes, 2 * ofBytes)),
    signal,
  );
  const isNew = await claim(folder);
  const node = await openClaimed(folder, isNew, metas.node);
  let isDone = false;
  try {
    const written = records(file, (bytes, ofBytes) => onRead(ofBytes + bytes, 2 * ofBytes));
    const { rows, mergerRows } = await write(
      written,
      folder,
      { node, merger: metas.merger },
      signal,
    );
    const messages = await assertHolds(node.store, folder, nowMs);
    signal.throwIfAborted();
    isDone = true;
    return { rows, messages, ...(mergerRows !== undefined && { mergerRows }) };
  } catch (error) {
    throw signal.aborted ? error : firstWriteFailure(folder, error);
  } finally {
    await node.close();
    if (isDone) await giveToOwner(folder);
    else await remove(folder, isNew);
  }
}

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(async (error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    const message = `cannot restore into ${folder}: ${messageOf(error)}`;
    const options = { cause: error, ...(await hintOfFile(folder)) };
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, options);
  });
  if (names.some((name) => name !== lostAndFound)) throw notEmpty(folder);
}

function notEmpty(folder: string): Reto3Error {
  return new Reto3Error('RETO3_FOLDER_NOT_EMPTY', `cannot restore into ${folder}: it is not empty`);
}

/**
 * Makes the folder and claims it by an empty anchor, which every server refuses.
 * @returns whether the folder is new
 * @throws Reto3Error RETO3_FOLDER_NOT_EMPTY, RETO3_DATA_UNREADABLE, RETO3_DISK_FULL
 */
async function claim(folder: string): Promise<boolean> {
  try {
    const isNew = (await mkdir(folder, { recursive: true })) !== undefined;
    // Checking the file may have taken minutes.
    await assertEmpty(folder);
    await (await open(join(folder, anchorFile), 'wx')).close();
    return isNew;
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? notEmpty(folder) : firstWriteFailure(folder, error);
  }
}

async function openClaimed(folder: string, isNew: boolean, meta: Meta): Promise<NewFolder> {
  try {
    return await NewFolder.open(folder, meta);
  } catch (error) {
    // If a server has taken the folder meanwhile, only the claim is ours.
    if (codeOf(error) === 'RETO3_DATA_LOCKED') await withdraw(join(folder, anchorFile));
    else await remove(folder, isNew);
    throw firstWriteFailure(folder, error);
  }
}

/** Deletes the claim, unless a server has replaced it by its anchor. */
async function withdraw(anchor: string): Promise<void> {
  if ((await stat(anchor)).size === 0) await rm(anchor);
}

/** Deletes what the restore wrote, and the folder if it is new and nobody put anything into it. */
async function remove(folder: string, isNew: boolean): Promise<void> {
  await rm(mergerFolderOf(folder), { recursive: true, force: true });
  const names = await readdir(folder);
  const ours = names.filter(isOfDataFolder);
  for (const name of ours) await rm(join(folder, name));
  if (isNew && ours.length === names.length) await rmdir(folder);
}

/** @throws Reto3Error RETO3_BACKUP_DAMAGED */
async function assertReadableTwice(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    throw notABackup(file, messageOf(error));
  });
  if (found.isDirectory())
    throw notABackup(file, (await holdsDatabase(file)) ? 'it is a data folder' : 'it is a folder');
  if (!found.isFile()) throw notABackup(file, 'it can be read only once');
}

function notABackup(file: string, reason: string): Reto3Error {
  return new Reto3Error('RETO3_BACKUP_DAMAGED', `cannot read the backup ${file}: ${reason}`, {
    hint: 'name a file that reto3 backup wrote',
  });
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
  into: { readonly node: NewFolder; readonly merger: Meta | undefined },
  signal: AbortSignal,
): Promise<Pick<Restored, 'rows' | 'mergerRows'>> {
  const { node } = into;
  let merger: NewFolder | undefined;
  try {
    for await (const record of all) {
      signal.throwIfAborted();
      if (!('begins' in record)) await (merger ?? node).add(record);
      else if (into.merger !== undefined)
        merger = await NewFolder.open(mergerFolderOf(folder), into.merger);
    }
    await merger?.finish();
    await node.finish();
    const mergerRows = merger?.rows;
    return { rows: node.rows + (mergerRows ?? 0), mergerRows };
  } finally {
    await merger?.close();
  }
}

/** A folder that is being filled. Every server refuses it before `finish`. */
class NewFolder {
  readonly store: Store;
  readonly #meta: Meta;
  #batch: Change[] = [];
  rows = 0;

  private constructor(store: Store, meta: Meta) {
    this.store = store;
    this.#meta = meta;
  }

  /** @param backedUp the meta row in the backup */
  static async open(folder: string, backedUp: Meta): Promise<NewFolder> {
    const store = await Store.open(() => openDatabase(folder));
    const writes = backedUp.writes + 1;
    try {
      await anchorIn(folder).write(writes);
    } catch (error) {
      await store.close();
      throw error;
    }
    // Clean, since a backup begins with a flush and so lacks nothing.
    return new NewFolder(store, { ...backedUp, ...withoutBoot(backedUp), writes, clean: true });
  }

  async add(record: StoredRecord): Promise<void> {
    const change = changeOf(record);
    if (change === undefined) return;
    this.#batch.push(change);
    if (isRow(record)) this.rows++;
    if (this.#batch.length < batchRows) return;
    await this.store.write(this.#batch, { sync: false });
    this.#batch = [];
  }

  async finish(): Promise<void> {
    await this.store.write([...this.#batch, { meta: this.#meta }], { sync: true });
  }

  close(): Promise<void> {
    return this.store.close();
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
 * Audits the folder while nobody else can open it; returns the number of its messages.
 * @throws Reto3Error RETO3_BACKUP_DAMAGED
 */
async function assertHolds(store: Store, folder: string, nowMs: number): Promise<number> {
  const data = await DataFolder.on(store, folder);
  const { ok, places } = await auditFolder(data, nowMs);
  if (!ok) throw damaged(places[0]?.reason ?? 'its counts do not add up');
  return data.recovered.messages;
}
