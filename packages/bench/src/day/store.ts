/**
 * Fills a data folder as a server does, through the ring, the coordinator and the store, on a
 * virtual clock. The only file that uses the engine's internals.
 */

import { ms10, periods } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import {
  anchorIn,
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

/** Makes history: copies the counts of [fromMs, toMs) before fromMs, `times` times. */
export async function repeatBefore(
  dataDir: string,
  fromMs: number,
  toMs: number,
  times: number,
): Promise<void> {
  const store = await Store.open(() => openDatabase(dataDir));
  const snapshot = store.snapshot();
  for (const period of Object.values(periods)) {
    const range = { from: fromMs, to: toMs };
    for await (const { start, windows } of snapshot.rows(period.name, range)) {
      for (let time = 1; time <= times; time++) {
        const earlier = start - time * (toMs - fromMs);
        await store.write([{ put: period.name, start: earlier, windows }], { sync: false });
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
