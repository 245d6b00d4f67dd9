/**
 * Recovers a data folder as the last server left it: replays its journal into the minutes in
 * memory, and verifies that no write is missing. Writes nothing.
 *
 * Missing writes would make the past look quieter than it was, so a folder with missing writes or
 * an incomplete journal is refused, for a repair.
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
import { isMisplaced } from '../store/rows.ts';
import { allTime, type Row, type Store, type StoreSnapshot } from '../store/store.ts';
import { VerifiedSnapshot } from '../store/verified.ts';
import { Blocks } from './blocks.ts';
import { OpenMinutes } from './open-minutes.ts';

export interface Recovered {
  readonly minutes: OpenMinutes;
  /** Of the store, with later changes from the journal; boot 0 in a new folder. */
  readonly meta: Meta;
  /** The time ranges that no repair could save. */
  readonly gone: Gone;
  readonly blocks: Blocks;
  /** Rows of reports and sources that only the journal has. */
  readonly rows: readonly HeldRow[];
  /** In the store and its journal. */
  readonly messages: number;
  /** The sum of the min blocks. */
  readonly messagesInBlocks: number;
  /** Start of the oldest counts, epoch ms; Infinity if there are none, 0 if unknown. */
  readonly oldest: number;
  /** End of the newest counts, at the end of a block or a second, epoch ms; 0 if there are none. */
  readonly newestEnd: number;
  /** End of the newest counted window, epoch ms; 0 if there is none. */
  readonly countedEnd: number;
  /** Starts of the journal rows of an earlier version, epoch ms. */
  readonly journalRows: readonly number[];
}

/** The parts of a data folder. */
export interface Folder {
  readonly store: Store;
  readonly anchor: Anchor;
  readonly journals: JournalFolder;
}

/**
 * @param node the name for the meta row of a new folder
 * @throws Reto3Error RETO3_DATA_CORRUPT if writes or parts of the open minutes are missing;
 * RETO3_DATA_VERSION
 */
export async function recover(
  { store, anchor, journals }: Folder,
  node: string,
  onDamage: OnDamage = () => undefined,
): Promise<Recovered> {
  const found = await store.readMeta();
  const stored = found ?? newMeta(node);
  assertAllWrites(stored, await anchor.read(), found === undefined ? { hint: restoreAgain } : {});
  const records = await recordsOf(stored, journals);
  const meta = afterRecords(stored, records);
  const gone = await store.readGone();
  const blocks = new Blocks(store, { ...meta, gone }, onDamage);
  const minutes = new OpenMinutes(blocks);
  const snapshot = store.snapshot();
  try {
    const found = await readBlocks(snapshot, meta, gone, blocks);
    const journalRows = await journalRowsIn(snapshot);
    let { messages, newestEnd, countedEnd } = found;
    for (const row of journalRows) {
      messages += minutes.replayRow(row);
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

/** The records of the journal from the current file on. @throws Reto3Error RETO3_DATA_CORRUPT */
async function recordsOf(meta: Meta, journals: JournalFolder): Promise<readonly JournalRecord[]> {
  if (meta.journal === undefined) return [];
  const { id, through } = meta.journal;
  const { records, damage } = await readJournals(journals, id);
  if (damage !== undefined) throw corrupt(damage);
  const last = records.at(-1)?.sequence ?? 0;
  if (last < through) throw corrupt(`its journal ends at record ${last}, want at least ${through}`);
  return records;
}

/** The meta row with the later changes in the journal. */
function afterRecords(meta: Meta, records: readonly JournalRecord[]): Meta {
  const writes = Math.max(meta.writes, records.at(-1)?.sequence ?? 0);
  const published = records.findLast(
    (record) => record.sequence > meta.writes && record.published !== undefined,
  )?.published;
  const cluster = published === undefined ? meta.cluster : readPublished(published);
  return { ...meta, writes, ...(cluster && { cluster }) };
}

interface FoundBlocks {
  readonly messages: number;
  readonly oldest: number;
  readonly newestEnd: number;
  readonly countedEnd: number;
}

/**
 * Reads a few blocks, however many there are; all min blocks only in a folder of an old version.
 */
async function readBlocks(
  snapshot: StoreSnapshot,
  meta: Meta,
  gone: Gone,
  blocks: Blocks,
): Promise<FoundBlocks> {
  let oldest = Number.POSITIVE_INFINITY;
  const startsAt = (timeMs: number): void => {
    oldest = Math.min(oldest, timeMs);
  };
  // A damaged min block is no reason to refuse the folder: readers report it.
  const note: OnDamage = (damage) => {
    blocks.note(damage);
    if (damage.gone !== true) startsAt(damage.from);
  };
  let misplaced = false;
  const damaged: OnDamage = (damage) => {
    if (isMisplaced(damage)) misplaced = true;
    else note(damage);
  };
  let messages = meta.messages ?? 0;
  for await (const { start, windows } of snapshot.rows('min', allTime, damaged)) {
    startsAt(start + windows.counted.indexOf(1) * min.windowMs);
    if (meta.messages !== undefined) break;
    messages += totalOf(windows);
  }
  if (misplaced) {
    // Finds the time of the block whose key was moved, in all blocks.
    const verified = new VerifiedSnapshot(snapshot, meta.deletedBefore, gone);
    for await (const _ of verified.rows('min', allTime, note));
  }
  for (const { name, blockMs } of [sec, ms10]) {
    // Unknown if it cannot be read.
    for await (const start of snapshot.starts(name, allTime, () => startsAt(0))) {
      // A flipped bit has moved it.
      if (start % blockMs !== 0) continue;
      startsAt(start);
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

/** The journal rows of an earlier version or a restored backup. */
async function journalRowsIn(snapshot: StoreSnapshot): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of snapshot.rows('journal', allTime)) rows.push(row);
  return rows;
}

function countedEndOf({ start, windows }: Row): number {
  return start + (lastCounted(windows) + 1) * ms10.windowMs;
}

/** A restore writes the meta row last. */
const restoreAgain =
  'if a restore was interrupted, delete the folder and restore again; else run reto3 doctor --repair, which keeps a copy';

/** @param cure a better one than that of the error's code */
function assertAllWrites(
  meta: Meta,
  anchored: number | undefined,
  cure: { readonly hint?: string },
): void {
  // The first import of an earlier version wrote its batch before its anchor.
  if (anchored === undefined && meta.writes > 1) throw corrupt('its file ANCHOR is missing');
  if (anchored !== undefined && anchored > meta.writes) {
    const reason = `got ${meta.writes} writes, want at least ${anchored}: the newest are missing`;
    throw corrupt(reason, cure);
  }
}

/** Without the block of a minute, its journal does not have all of its counts. */
function assertWhole(minutes: OpenMinutes): void {
  for (const { start, unreadable } of minutes.all()) {
    const [series] = unreadable;
    if (series === undefined) continue;
    const minute = timeText(start);
    throw corrupt(
      `the journal of the minute ${minute} needs its ${series} block, which is damaged`,
    );
  }
}

/** Each minute must add up to the total in its last record or in the meta row. */
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

function corrupt(reason: string, cure = {}): Reto3Error {
  return new Reto3Error('RETO3_DATA_CORRUPT', `cannot read the data folder: ${reason}`, cure);
}
