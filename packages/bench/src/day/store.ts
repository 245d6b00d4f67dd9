/**
 * Fills a data folder as a server does, through the ring, the coordinator and the store, on a
 * virtual clock. The only file that uses the engine's internals.
 */

import { ms10, type PeriodName, periodNames } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import {
  anchorIn,
  type Change,
  Coordinator,
  type Database,
  journalIn,
  openDatabase,
  Store,
} from '@reto3/engine';
import { allocate, RingReader, slotMask, stripeOf } from '@reto3/engine/ring';

export interface TimeRange {
  /** The range [from, to), epoch ms; whole windows. */
  readonly from: number;
  readonly to: number;
}

/** Far longer than a server's flush interval, and far shorter than the ring. */
const flushEveryMs = 20_000;

const dayMs = 86_400_000;
/** So many blocks are some 400 KB. */
const rowsAtOnce = 100;

/**
 * Simulates one boot with a clean stop; `nextCount` gives the messages of each consecutive ms10
 * window.
 */
export async function fillStore(
  dataDir: string,
  { from, to }: TimeRange,
  nextCount: () => number,
): Promise<void> {
  const clock = new VirtualClock(from);
  const memory = allocate(1);
  const stripe = stripeOf(memory, 0);
  const store = await Store.open(() => openDatabase(dataDir));
  const coordinator = await Coordinator.open({
    clock,
    ring: new RingReader(memory),
    workerCount: 1,
    store,
    anchor: anchorIn(dataDir),
    journals: journalIn(dataDir),
    node: 'filled',
    events: {
      clockStepped: (stepMs) => fail(`the clock stepped by ${stepMs} ms`),
      stalled: () => fail('the coordinator stalled'),
      damaged: ({ reason }) => fail(`a block is damaged: ${reason}`),
    },
  });
  await coordinator.prepare();
  coordinator.count();
  while (clock.wallMs < to) {
    const until = Math.min(to, clock.wallMs + flushEveryMs);
    for (; clock.wallMs < until; clock.pass(ms10.windowMs))
      addMessages(stripe, clock.wallMs, nextCount());
    await coordinator.flusher.beat();
  }
  await coordinator.stop();
  await store.close();
}

/**
 * Adds the sum that a worker would add one by one; ten times faster, and safe since no other thread
 * writes.
 */
function addMessages(stripe: Int32Array, wallMs: number, messages: number): void {
  const slot = Math.floor(wallMs / ms10.windowMs) & slotMask;
  stripe[slot] = (stripe[slot] ?? 0) + messages;
}

function fail(what: string): never {
  throw new Error(`BUG: ${what} while a folder was filled`);
}

/**
 * Makes history: copies the counts of a day, which starts at `from`, to the days before it.
 * @param days how many days of each period there are then, that day included
 */
export async function repeatBefore(
  dataDir: string,
  { from, to }: TimeRange,
  days: Readonly<Record<PeriodName, number>>,
): Promise<void> {
  const store = await Store.open(() => openDatabase(dataDir));
  const snapshot = store.snapshot();
  for (const name of periodNames) {
    for await (const { start, windows } of snapshot.rows(name, { from, to })) {
      let changes: Change[] = [];
      for (let day = 1; day < days[name]; day++) {
        changes.push({ put: name, start: start - day * dayMs, windows });
        if (changes.length < rowsAtOnce && day < days[name] - 1) continue;
        await store.write(changes, { sync: false });
        changes = [];
      }
    }
  }
  await snapshot.close();
  await store.close();
}

/** Compacts the whole folder now, as LevelDB does over time. */
export async function compact(dataDir: string): Promise<void> {
  const database = await openDatabase(dataDir);
  if (!canCompact(database)) throw new Error('BUG: the database cannot be compacted');
  // All keys begin with `!` (docs/format.md).
  await database.compactRange('!', '~');
  await database.close();
}

function canCompact(
  database: Database,
): database is Database & { compactRange(from: string, to: string): Promise<void> } {
  return 'compactRange' in database;
}

/** The total size of all ms10 blocks. */
export async function ms10BlockBytes(dataDir: string): Promise<number> {
  const database = await openDatabase(dataDir);
  let bytes = 0;
  const range = { gte: '!ms10!', lt: '!ms10"', valueEncoding: 'view' } as const;
  for await (const value of database.values<string, Uint8Array>(range)) bytes += value.byteLength;
  await database.close();
  return bytes;
}
