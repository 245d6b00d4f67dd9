/**
 * A day of ms10 windows in a data folder, written by the store's own code: a coordinator on a
 * virtual clock sweeps a ring that is filled for it, as if messages had come.
 */
import { VirtualClock } from '../../packages/server/src/clock.virtual.ts';
import { Coordinator } from '../../packages/server/src/coordinator/coordinator.ts';
import { anchorIn } from '../../packages/server/src/store/anchor.ts';
import { openDatabase } from '../../packages/server/src/store/database.ts';
import { Store } from '../../packages/server/src/store/store.ts';
import { allocate, slotMask, stripeOf } from '../../packages/server/src/window/layout.ts';
import { RingReader } from '../../packages/server/src/window/ring.ts';

export const windowsPerDay = 8_640_000;
const windowMs = 10;
/** Half a minute: well within the ring's reach, and it divides a day. */
const windowsPerSweep = 3_000;
/** After the last minute, so that it is closed too. */
const closeMs = 2_000;

export interface Day {
  /** Epoch ms of its first window. */
  readonly from: number;
  /** One past its last, epoch ms. */
  readonly to: number;
  /** Of each of its windows. */
  readonly counts: Uint8Array;
}

/** Counts with a mean of `mean` messages a window, the same ones for the same seed. */
export function poissonCounts(mean: number, seed: number): Uint8Array {
  const cumulative: number[] = [];
  let probability = Math.exp(-mean);
  let sum = 0;
  for (let count = 0; count < 256; count++) {
    sum += probability;
    cumulative.push(sum);
    probability *= mean / (count + 1);
  }
  const random = generator(seed);
  const counts = new Uint8Array(windowsPerDay);
  for (let window = 0; window < windowsPerDay; window++) {
    const draw = random();
    let low = 0;
    let high = 255;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 1) < draw) low = middle + 1;
      else high = middle;
    }
    counts[window] = low;
  }
  return counts;
}

/** Writes the counts as the day that starts at `from` (epoch ms). */
export async function writeDay(dataDir: string, from: number, counts: Uint8Array): Promise<Day> {
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
    node: 'day',
    events: {
      clockStepped: (stepMs) => fail(`the clock stepped by ${stepMs} ms`),
      stalled: () => fail('the coordinator stalled'),
    },
  });
  await coordinator.begin();
  const firstWindow = from / windowMs;
  for (let begin = 0; begin < counts.length; begin += windowsPerSweep) {
    for (let window = begin; window < begin + windowsPerSweep; window++) {
      const slot = (firstWindow + window) & slotMask;
      stripe[slot] = (stripe[slot] ?? 0) + (counts[window] ?? 0);
    }
    clock.pass(windowsPerSweep * windowMs);
    await coordinator.flush();
  }
  clock.pass(closeMs);
  await coordinator.stop();
  await store.close();
  return { from, to: from + counts.length * windowMs, counts };
}

function fail(what: string): never {
  throw new Error(`BUG: ${what} while a day was written`);
}

/** mulberry32: small, seeded, and good enough for a workload. Gives numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
