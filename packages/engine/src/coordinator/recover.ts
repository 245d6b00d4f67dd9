/**
 * Reads what an earlier server left: its journal, and whether all of its writes are there. Writes
 * nothing.
 */
import {
  alignUp,
  lastCounted,
  min,
  ms10,
  type OnDamage,
  Reto3Error,
  sec,
  timeText,
  totalOf,
} from '@reto3/core';
import type { JournalFolder } from '../journal/journal-folder.ts';
import { readJournals } from '../journal/read.ts';
import type { HeldRow, JournalRecord } from '../journal/record.ts';
import type { Anchor } from '../store/anchor.ts';
import type { Gone } from '../store/gone.ts';
import { type Meta, newMeta, readPublished } from '../store/meta.ts';
import { allTime, type Row, type Store, type StoreSnapshot } from '../store/store.ts';
import { Blocks } from './blocks.ts';
import { OpenMinutes } from './open-minutes.ts';

export interface Recovered {
  readonly minutes: OpenMinutes;
  /** As the store and its journal have it; boot 0 in a new folder. */
  readonly meta: Meta;
  /** What a repair could not save. */
  readonly gone: Gone;
  readonly blocks: Blocks;
  /** Rows of reports that only the journal has. */
  readonly rows: readonly HeldRow[];
  /** All that the store and its journal hold. */
  readonly messages: number;
  /** What the min blocks add up to. */
  readonly messagesInBlocks: number;
  /** Nothing that the store holds was counted before that, epoch ms; Infinity where it holds nothing. */
  readonly oldest: number;
  /** End of the newest second that the store knows, epoch ms. */
  readonly newestEnd: number;
  /** End of the newest counted window, epoch ms; 0 where there is none. */
  readonly countedEnd: number;
  /** Start of every journal row of an earlier version, epoch ms. */
  readonly journalRows: readonly number[];
}

/** What is read of a data folder. */
export interface Folder {
  readonly store: Store;
  readonly anchor: Anchor;
  readonly journals: JournalFolder;
}

/** @throws Reto3Error RETO3_DATA_CORRUPT where writes, or parts of the open minutes, are missing */
export async function recover(
  { store, anchor, journals }: Folder,
  node: string,
  onDamage: OnDamage = () => undefined,
): Promise<Recovered> {
  const stored = (await store.readMeta()) ?? newMeta(node);
  assertAllWrites(stored, await anchor.read());
  const records = await recordsOf(stored, journals);
  const meta = continued(stored, records);
  const gone = await store.readGone();
  const blocks = new Blocks(store, { ...meta, gone }, onDamage);
  const minutes = new OpenMinutes(blocks);
  const snapshot = store.snapshot();
  try {
    const found = await readBlocks(snapshot, meta, blocks);
    const journalRows = await rowsOf(snapshot);
    let { messages, newestEnd, countedEnd } = found;
    for (const row of journalRows) {
      messages += minutes.recover(row);
      newestEnd = Math.max(newestEnd, row.start + sec.windowMs);
      countedEnd = Math.max(countedEnd, countedEndOf(row));
    }
    for (const minute of records.flatMap((record) => record.minutes)) {
      messages += minutes.replay(minute);
      const last = minute.windows.at(-1);
      if (last === undefined) continue;
      countedEnd = Math.max(countedEnd, minute.start + (last.window + 1) * ms10.windowMs);
    }
    newestEnd = Math.max(newestEnd, alignUp(countedEnd, sec.windowMs));
    minutes.loadMissing();
    assertWhole(minutes);
    assertTotals(meta, records, minutes);
    return {
      ...{ minutes, meta, gone, blocks, messages, newestEnd, countedEnd },
      rows: records.flatMap((record) => record.rows),
      messagesInBlocks: found.messages,
      oldest: Math.min(found.oldest, minutes.oldest),
      journalRows: journalRows.map(({ start }) => start),
    };
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_BLOCK_DAMAGED') throw error;
    throw corrupt(error.message);
  } finally {
    await snapshot.close();
  }
}

/** The records of the journal that the database goes on with. @throws Reto3Error RETO3_DATA_CORRUPT */
async function recordsOf(meta: Meta, journals: JournalFolder): Promise<readonly JournalRecord[]> {
  if (meta.journal === undefined) return [];
  const { id, through } = meta.journal;
  const { records, damage } = await readJournals(journals, id);
  if (damage !== undefined) throw corrupt(damage);
  const last = records.at(-1)?.sequence ?? 0;
  if (last < through)
    throw corrupt(`its journal ends at the record ${last}, want at least ${through}`);
  return records;
}

/** The meta row, with what the journal says later than it. */
function continued(meta: Meta, records: readonly JournalRecord[]): Meta {
  const writes = Math.max(meta.writes, records.at(-1)?.sequence ?? 0);
  const said = records.findLast(
    ({ sequence, published }) => sequence > meta.writes && published !== undefined,
  )?.published;
  const cluster = said === undefined ? meta.cluster : readPublished(said);
  return { ...meta, writes, ...(cluster && { cluster }) };
}

interface FoundBlocks {
  readonly messages: number;
  readonly oldest: number;
  readonly newestEnd: number;
  readonly countedEnd: number;
}

/** Reads a few blocks, however long the folder has counted; all min blocks only of an older version. */
async function readBlocks(
  snapshot: StoreSnapshot,
  meta: Meta,
  blocks: Blocks,
): Promise<FoundBlocks> {
  let oldest = Number.POSITIVE_INFINITY;
  const holdsFrom = (timeMs: number): void => {
    oldest = Math.min(oldest, timeMs);
  };
  // A damaged min block is told to whoever reads it; it is no reason not to count.
  const damaged: OnDamage = (damage) => {
    blocks.note(damage);
    holdsFrom(damage.from);
  };
  let messages = meta.messages ?? 0;
  for await (const { start, windows } of snapshot.rows('min', allTime, damaged)) {
    holdsFrom(start + windows.counted.indexOf(1) * min.windowMs);
    if (meta.messages !== undefined) break;
    messages += totalOf(windows);
  }
  for (const { name } of [sec, ms10]) {
    // Where it cannot be read, nobody knows.
    for await (const start of snapshot.starts(name, allTime, () => holdsFrom(0))) {
      holdsFrom(start);
      break;
    }
  }
  let newestEnd = 0;
  let countedEnd = 0;
  const backwards = { ...allTime, reverse: true };
  for await (const block of snapshot.rows('ms10', backwards, () => undefined)) {
    newestEnd = block.start + ms10.blockMs;
    countedEnd = countedEndOf(block);
    break;
  }
  return { messages, oldest, newestEnd, countedEnd };
}

/** The journal rows of an earlier version, or of a backup. */
async function rowsOf(snapshot: StoreSnapshot): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of snapshot.rows('journal', allTime)) rows.push(row);
  return rows;
}

function countedEndOf({ start, windows }: Row): number {
  return start + (lastCounted(windows) + 1) * ms10.windowMs;
}

function assertAllWrites(meta: Meta, anchored: number | undefined): void {
  // The first anchor follows the first write.
  if (anchored === undefined && meta.writes > 1) throw corrupt('its file ANCHOR is missing');
  if (anchored !== undefined && anchored > meta.writes) {
    throw corrupt(`got ${meta.writes} writes, want at least ${anchored}: the newest are missing`);
  }
}

/** Nobody knows what a journal adds to where a block of its minute cannot be read. */
function assertWhole(minutes: OpenMinutes): void {
  for (const { start, lacking } of minutes.all()) {
    const [series] = lacking;
    if (series === undefined) continue;
    const minute = timeText(start);
    throw corrupt(`the journal of the minute ${minute} cannot be laid over its damaged ${series}`);
  }
}

/** What is missing of a minute's journal would make it look quieter than it was. */
function assertTotals(meta: Meta, records: readonly JournalRecord[], minutes: OpenMinutes): void {
  const found = new Map([...minutes.all()].map((minute) => [minute.start, totalOf(minute.ms10)]));
  const wanted = new Map(meta.open.map(({ start, total }) => [start, total]));
  for (const record of records)
    for (const { start, total } of record.minutes) wanted.set(start, total);
  for (const [start, total] of wanted) {
    const got = found.get(start) ?? 0;
    if (got === total) continue;
    const minute = timeText(start);
    throw corrupt(`the journal of the minute ${minute} adds up to ${got}, want ${total}`);
  }
}

function corrupt(reason: string): Reto3Error {
  return new Reto3Error('RETO3_DATA_CORRUPT', `cannot read the data folder: ${reason}`);
}
