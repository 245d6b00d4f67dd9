/**
 * Repairs a data folder that a server refuses, or that has damaged rows. Copies it, lets LevelDB
 * repair its files if it cannot open them, deletes damaged rows, makes the series agree
 * (rebuild.ts) and records what is gone.
 *
 * Afterwards the folder opens, an audit passes, and every count in it is one that was counted.
 */
import { cp, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  alignDown,
  alignUp,
  min,
  type PeriodName,
  periodNames,
  Reto3Error,
  sec,
} from '@reto3/core';
import { journalIn } from '../journal/journal-folder.ts';
import { type Audit, auditFolder } from '../query/audit.ts';
import { DataFolder } from '../query/data-folder.ts';
import { reachMs } from '../ring/layout.ts';
import { anchorIn } from '../store/anchor.ts';
import { type Database, openExistingDatabase } from '../store/database.ts';
import { holdsDatabase } from '../store/database-files.ts';
import { repairFiles, whileLocked } from '../store/files/repair.ts';
import {
  damagedLeftovers,
  damagedTables,
  newestInTables,
  newestOf,
} from '../store/files/tables.ts';
import type { Gone, Stretch } from '../store/gone.ts';
import { archiveFolderOf } from '../store/inner-folders.ts';
import { type Meta, newMeta, withoutJournal } from '../store/meta.ts';
import { type Dropped, dropDamaged, dropStale, putBack } from '../store/salvage.ts';
import { allTime, Store } from '../store/store.ts';
import { daysOf, type Losses, Rebuild } from './rebuild.ts';
import { salvageJournal } from './salvage-journal.ts';

export interface Repair {
  /** The path of the copy made before anything was changed. */
  readonly copy: string;
  /** Why LevelDB's files needed a repair; undefined if they did not. */
  readonly filesRepaired: string | undefined;
  /** Damaged rows, which were deleted. */
  readonly dropped: readonly Dropped[];
  /** Rows rewritten or deleted to make the series agree. */
  readonly changes: number;
  /** Writes that were on the disk once and are missing. */
  readonly writesMissing: number;
  /** What is wrong with the journal; undefined if it is intact. */
  readonly journalDamage: string | undefined;
  /** Everything that no repair could save, including earlier ones. */
  readonly gone: Gone;
  readonly audit: Audit;
}

/**
 * @param nowMs the present, epoch ms; it also names the copy
 * @param signal aborts the repair while the folder is copied, not later
 * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION
 */
export async function repair(
  folder: string,
  nowMs: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<Repair> {
  if (!(await holdsDatabase(folder))) {
    throw new Reto3Error(
      'RETO3_DATA_UNREADABLE',
      `cannot repair the data folder ${folder}: it holds no counts`,
      { hint: 'name the --data-dir of a server' },
    );
  }
  const time = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  const copy = `${resolve(folder)}.before-repair-${time}`;
  const { filesRepaired, tables, salvaged, elsewhere } = await whileLocked(folder, async () => {
    await copyCounts(folder, copy, signal);
    // LevelDB's parser may crash the process on a damaged table, so it must not see one.
    const tables = await damagedTables(folder);
    const leftovers = await damagedLeftovers(folder);
    for (const file of [...leftovers, ...tables.map((table) => table.file)])
      await rm(join(folder, file));
    const salvaged = newestOf(tables.flatMap(({ entries }) => entries));
    const elsewhere = await newestInTables(folder, salvaged);
    const reason = await makeOpenable(folder);
    const [table] = tables;
    return {
      tables,
      salvaged,
      elsewhere,
      filesRepaired: table ? `${table.file}: ${table.damage}` : reason,
    };
  });
  const database = await openExistingDatabase(folder);
  const lost = tables.flatMap((table) => table.lost ?? []);
  // Whole tables are missing, and with them an unknown range of keys.
  const anyMissing =
    tables.some((table) => table.lost === undefined) || /missing file/.test(filesRepaired ?? '');
  const stale = await dropStale(database, lost);
  await putBack(database, salvaged, elsewhere, lost);
  const rows = await repairRows(folder, database, { lost, stale, anyMissing }, nowMs);
  const audit = await DataFolder.with(folder, (data) => auditFolder(data, nowMs));
  return { copy, filesRepaired, ...rows, audit };
}

/** Copies the folder; the copy gets its name once it is complete. */
async function copyCounts(folder: string, copy: string, signal: AbortSignal): Promise<void> {
  const part = `${copy}.part`;
  // A repair leaves the archive alone, which may be a thousand times as large as the counts.
  const filter = (path: string): boolean => {
    signal.throwIfAborted();
    return path !== archiveFolderOf(folder);
  };
  try {
    await cp(folder, part, { recursive: true, errorOnExist: true, force: false, filter });
    signal.throwIfAborted();
    await rename(part, copy);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

/** Lets LevelDB repair its files if it cannot open them; returns the reason why it could not. */
async function makeOpenable(folder: string): Promise<string | undefined> {
  try {
    await (await openExistingDatabase(folder)).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code === 'RETO3_DATA_LOCKED') throw error;
    await repairFiles(folder);
    return error.message;
  }
}

type RowsRepaired = Pick<
  Repair,
  'dropped' | 'changes' | 'writesMissing' | 'journalDamage' | 'gone'
>;

async function repairRows(
  folder: string,
  database: Database,
  {
    lost,
    stale,
    anyMissing,
  }: Pick<Losses, 'lost' | 'anyMissing'> & {
    readonly stale: readonly Dropped[];
  },
  nowMs: number,
): Promise<RowsRepaired> {
  const store = await Store.open(async () => database);
  try {
    const dropped = [...stale, ...(await dropDamaged(database))];
    const found = await store.readMeta();
    const meta = found ?? (await guessMeta(store, nowMs));
    const anchored = await anchorOf(folder);
    const writesMissing = Math.max(0, (anchored ?? 0) - (found?.writes ?? 0));
    const journal = await salvageJournal(journalIn(folder), found);
    await store.write(journal.changes, { sync: false });
    const isShort = writesMissing > 0 || anyMissing || journal.isShort;
    const cut = isShort ? await cutOf(store, folder, nowMs) : undefined;
    const losses: Losses = { dropped, lost, anyMissing, cut, nowMs };
    const open = [...meta.open, ...journal.open];
    const { changes, gone } = await rebuildSeries(store, { ...meta, open }, losses);
    const writes = Math.max(meta.writes, anchored ?? 0, journal.lastWrite) + 1;
    const { messages: _, ...mended } = { ...withoutJournal(meta), writes, open: [], clean: true };
    await store.write([{ meta: mended }, { gone }], { sync: true });
    await anchorIn(folder).write(writes);
    const journals = journalIn(folder);
    for (const id of await journals.ids()) await journals.retire(id);
    return { dropped, changes, writesMissing, journalDamage: journal.damage, gone };
  } finally {
    await store.close();
  }
}

async function rebuildSeries(
  store: Store,
  meta: Meta,
  losses: Losses,
): Promise<Pick<Repair, 'changes' | 'gone'>> {
  const rebuild = new Rebuild(meta, await store.readGone(), losses);
  let changes = 0;
  const snapshot = store.snapshot();
  try {
    for (const day of await daysOf(store, losses)) {
      const batch = await rebuild.changesOf(snapshot, day);
      await store.write(batch, { sync: false });
      changes += batch.length;
    }
  } finally {
    await snapshot.close();
  }
  return { changes, gone: rebuild.gone() };
}

/** A meta row for a folder that has lost its own. */
async function guessMeta(store: Store, nowMs: number): Promise<Meta> {
  const deletedBefore: Record<PeriodName, number> = { ms10: 0, sec: 0, min: 0 };
  const snapshot = store.snapshot();
  try {
    for (const name of periodNames) {
      for await (const { start } of snapshot.encodedRows(name, allTime)) {
        // Older counts may have been deleted by retention, which cannot be told from a loss.
        deletedBefore[name] = start;
        break;
      }
    }
  } finally {
    await snapshot.close();
  }
  // Higher than any number of starts, so that this boot supersedes all earlier ones in a cluster.
  return { ...newMeta('repaired'), boot: Math.floor(nowMs / 1_000), deletedBefore };
}

async function anchorOf(folder: string): Promise<number | undefined> {
  try {
    return await anchorIn(folder).read();
  } catch (error) {
    if (error instanceof Reto3Error && error.code === 'RETO3_DATA_CORRUPT') return undefined;
    throw error;
  }
}

/**
 * The time that missing writes may have counted: until the anchor was written, from the newest
 * count that is left, minus the time back to which the ring could still add.
 */
async function cutOf(store: Store, folder: string, nowMs: number): Promise<Stretch> {
  let newest = 0;
  const snapshot = store.snapshot();
  const backwards = { ...allTime, reverse: true };
  try {
    for (const [series, spanMs] of [
      ['journal', sec.windowMs],
      ['ms10', min.windowMs],
    ] as const) {
      for await (const { start } of snapshot.rows(series, backwards, () => undefined)) {
        newest = Math.max(newest, start + spanMs);
        break;
      }
    }
  } finally {
    await snapshot.close();
  }
  // The anchor is written with every checkpoint; later counts are in the journal.
  const { mtimeMs } = await stat(join(folder, 'ANCHOR')).catch(() => ({ mtimeMs: nowMs }));
  const from = Math.max(0, alignDown(newest - reachMs, min.windowMs));
  return { from, to: Math.max(from, alignUp(mtimeMs, min.windowMs)) + 2 * min.windowMs };
}
