/**
 * Repairs a data folder that a server refuses, or that has damaged rows. Copies it, lets LevelDB
 * repair its files if it cannot open them, deletes damaged rows, makes the series agree
 * (rebuild.ts) and records what is gone.
 *
 * Afterwards the folder opens, an audit passes, and every count in it is one that was counted.
 */
import { randomUUID } from 'node:crypto';
import { realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  alignDown,
  alignUp,
  messageOf,
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
import { anchorFile, anchorIn } from '../store/anchor.ts';
import { type Database, openForRepair } from '../store/database.ts';
import { codeOf, isDiskFull } from '../store/database-failure.ts';
import { holdsDatabase } from '../store/database-files.ts';
import { repairFiles, whileLocked } from '../store/files/repair.ts';
import {
  damagedLeftovers,
  damagedTables,
  newestInTables,
  newestOf,
} from '../store/files/tables.ts';
import type { Gone, Stretch } from '../store/gone.ts';
import { type Meta, newMeta, withoutJournal } from '../store/meta.ts';
import { giveToOwner } from '../store/ownership.ts';
import { type Dropped, dropDamaged, dropStale, putBack } from '../store/salvage.ts';
import { allTime, Store } from '../store/store.ts';
import { assertRepairable } from './assert-repairable.ts';
import { beginRepair, endRepair } from './copy.ts';
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

/** The writes that a damaged store still has. */
export interface FoundWrites {
  /** The number of the last one. */
  readonly last: number;
  /** Whether some of them, or later ones, are missing. */
  readonly areShort: boolean;
}

/**
 * Whatever ends a repair early, the next one starts over from the copy, and no other program opens
 * the folder until then.
 * @param nowMs the present, epoch ms; it also names the copy
 * @param signal aborts the repair while the folder is copied, not later
 * @param beforeWrite called before the repair's own write takes the next number, which an archive
 * may have used for messages that the store has lost
 * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION, RETO3_DISK_FULL
 */
export async function repair(
  dataDir: string,
  nowMs: number,
  signal: AbortSignal = new AbortController().signal,
  beforeWrite: (found: FoundWrites) => Promise<void> = async () => undefined,
): Promise<Repair> {
  if (!(await holdsDatabase(dataDir))) {
    throw new Reto3Error(
      'RETO3_DATA_UNREADABLE',
      `cannot repair the data folder ${dataDir}: it holds no counts`,
      { hint: 'name the --data-dir of a server' },
    );
  }
  const folder = await realpath(dataDir);
  return whileLocked(folder, async (renewLock) => {
    await assertRepairable(folder);
    const copy = await beginRepair(folder, nowMs, signal);
    try {
      return { copy, ...(await repairCopied(folder, renewLock, nowMs, beforeWrite)) };
    } catch (error) {
      throw repairFailure(folder, copy, error);
    } finally {
      await giveToOwner(folder);
    }
  });
}

/** Repairs files, then rows. From the first row to the end the database is open, and so locked. */
async function repairCopied(
  folder: string,
  renewLock: () => Promise<void>,
  nowMs: number,
  beforeWrite: (found: FoundWrites) => Promise<void>,
): Promise<Omit<Repair, 'copy'>> {
  // LevelDB's parser may crash the process on a damaged table, so it must not see one.
  const tables = await damagedTables(folder);
  const leftovers = await damagedLeftovers(folder);
  for (const file of [...leftovers, ...tables.map((table) => table.file)])
    await rm(join(folder, file));
  const salvaged = newestOf(tables.flatMap(({ entries }) => entries));
  const elsewhere = await newestInTables(folder, salvaged);
  const { database, reason } = await openRepaired(folder, renewLock);
  const [table] = tables;
  const filesRepaired = table ? `${table.file}: ${table.damage}` : reason;
  const lost = tables.flatMap(({ lost: keys }) => keys ?? []);
  // Whole tables are missing, and with them an unknown range of keys.
  const anyMissing =
    tables.some((each) => each.lost === undefined) || /missing file/.test(filesRepaired ?? '');
  try {
    const stale = await dropStale(database, lost);
    await putBack(database, salvaged, elsewhere, lost);
    const dropped = [...stale, ...(await dropDamaged(database))];
    const store = await Store.open(async () => database);
    const known = { dropped, lost, anyMissing, nowMs };
    const rows = await repairRows(folder, store, known, beforeWrite);
    const audit = await auditFolder(await DataFolder.on(store, folder), nowMs);
    await endRepair(folder);
    return { filesRepaired, dropped, ...rows, audit };
  } finally {
    await database.close();
  }
}

/** Opens the database; lets LevelDB repair its files first if it cannot, and says why. */
async function openRepaired(
  folder: string,
  renewLock: () => Promise<void>,
): Promise<{ readonly database: Database; readonly reason: string | undefined }> {
  try {
    return { database: await openForRepair(folder), reason: undefined };
  } catch (error) {
    if (!isOfFiles(error)) throw error;
    await renewLock();
    await repairFiles(folder);
    return { database: await openForRepair(folder), reason: error.message };
  }
}

/** Whether LevelDB cannot use the files, as opposed to reading or locking them. */
function isOfFiles(error: unknown): error is Reto3Error {
  if (!(error instanceof Reto3Error)) return false;
  const isLevels = String(codeOf(error.cause)).startsWith('LEVEL_');
  return (
    error.code === 'RETO3_DATA_CORRUPT' || (error.code === 'RETO3_DATA_UNREADABLE' && isLevels)
  );
}

/** The error to show if a repair fails after the copy was made. */
function repairFailure(folder: string, copy: string, error: unknown): unknown {
  const failed = `cannot repair the data folder ${folder}`;
  const options = { cause: error, hint: `run it again: it starts over from the copy ${copy}` };
  if (isDiskFull(error))
    return new Reto3Error('RETO3_DISK_FULL', `${failed}: no space left on its disk`, {
      ...options,
      hint: `free space, then ${options.hint}`,
    });
  if (error instanceof Reto3Error || codeOf(error) === undefined) return error;
  return new Reto3Error('RETO3_DATA_UNREADABLE', `${failed}: ${messageOf(error)}`, options);
}

async function repairRows(
  folder: string,
  store: Store,
  known: Omit<Losses, 'cut'>,
  beforeWrite: (found: FoundWrites) => Promise<void>,
): Promise<Pick<Repair, 'changes' | 'writesMissing' | 'journalDamage' | 'gone'>> {
  const { anyMissing, nowMs } = known;
  const found = await store.readMeta();
  const meta = found ?? (await guessMeta(store, nowMs));
  const anchored = await anchorOf(folder);
  const writesMissing = Math.max(0, (anchored ?? 0) - (found?.writes ?? 0));
  const journal = await salvageJournal(journalIn(folder), found);
  await store.write(journal.changes, { sync: false });
  const isShort = writesMissing > 0 || anyMissing || journal.isShort;
  const cut = isShort ? await cutOf(store, folder, nowMs) : undefined;
  const open = [...meta.open, ...journal.open];
  const { changes, gone } = await rebuildSeries(store, { ...meta, open }, { ...known, cut });
  const last = Math.max(found?.writes ?? anchored ?? 0, journal.lastWrite);
  await beforeWrite({ last, areShort: isShort || found === undefined });
  const writes = Math.max(last, anchored ?? 0) + 1;
  // A server whose store fails holds no lock. With another boot, it cannot go on with this folder.
  const boot = { bootId: randomUUID(), clean: true };
  const { messages: _, ...mended } = { ...withoutJournal(meta), ...boot, writes, open: [] };
  await store.write([{ meta: mended }, { gone }], { sync: true });
  await anchorIn(folder).write(writes);
  const journals = journalIn(folder);
  for (const id of await journals.ids()) await journals.retire(id);
  return { changes, writesMissing, journalDamage: journal.damage, gone };
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
  const mtimeMs = await anchoredAt(folder, nowMs);
  const from = Math.max(0, alignDown(newest - reachMs, min.windowMs));
  return { from, to: Math.max(from, alignUp(mtimeMs, min.windowMs)) + 2 * min.windowMs };
}

/** When the anchor was written; without one, now. */
async function anchoredAt(folder: string, nowMs: number): Promise<number> {
  try {
    return (await stat(join(folder, anchorFile))).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return nowMs;
    throw error;
  }
}
