/**
 * Fills a data folder as a server would: through the ring, the coordinator and the store, on a
 * virtual clock. The only file that knows the inside of the server.
 */
import { reading } from '@reto3/server/clock';
import { Coordinator } from '@reto3/server/coordinator/coordinator';
import { ms10, periods, sec } from '@reto3/server/period';
import { anchorIn } from '@reto3/server/store/anchor';
import { type Database, openDatabase } from '@reto3/server/store/database';
import { Store } from '@reto3/server/store/store';
import { allocate, stripeOf } from '@reto3/server/window/layout';
import { addMessage, RingReader } from '@reto3/server/window/ring';

/**
 * Counts from `startMs` on, one ms10 window after the other, `windows` of them, as `countOf` says;
 * flushes at the end of each second. The folder is left cleanly stopped.
 */
export async function fillStore(
  dataDir: string,
  startMs: number,
  windows: number,
  nextCount: () => number,
): Promise<void> {
  const store = await Store.open(() => openDatabase(dataDir));
  let nowMs = startMs;
  const memory = allocate(1);
  const stripe = stripeOf(memory, 0);
  const coordinator = await Coordinator.open({
    clock: { read: () => reading(nowMs, nowMs) },
    ring: new RingReader(memory),
    workerCount: 1,
    store,
    anchor: anchorIn(dataDir),
    node: 'bench',
    events: { clockStepped: () => undefined, stalled: () => undefined },
  });
  await coordinator.begin();
  for (let window = 1; window <= windows; window++) {
    for (let left = nextCount(); left > 0; left--) addMessage(stripe, nowMs);
    nowMs += ms10.windowMs;
    if (nowMs % sec.windowMs === 0) await coordinator.flush();
  }
  await coordinator.stop();
  await store.close();
}

/** Repeats what was counted in [fromMs, toMs) before it, `times` times: history to start with. */
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

/** Has LevelDB compact the whole folder, as it does by itself over time. */
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

/** Bytes of all values of the ms10 blocks. */
export async function ms10BlockBytes(dataDir: string): Promise<number> {
  const database = await openDatabase(dataDir);
  let bytes = 0;
  const range = { gte: '!ms10!', lt: '!ms10"', valueEncoding: 'view' } as const;
  for await (const value of database.values<string, Uint8Array>(range)) bytes += value.byteLength;
  await database.close();
  return bytes;
}
