/**
 * Fills a data folder with hours of counts through the server's own code, in virtual time: an
 * ingest worker's `addMessage`, the coordinator's sweep and flush, LevelDB on the disk.
 */
import { VirtualClock } from '../../../packages/server/src/clock.virtual.ts';
import { Coordinator } from '../../../packages/server/src/coordinator/coordinator.ts';
import { anchorIn } from '../../../packages/server/src/store/anchor.ts';
import { openDatabase } from '../../../packages/server/src/store/database.ts';
import { Store } from '../../../packages/server/src/store/store.ts';
import { allocate, stripeOf } from '../../../packages/server/src/window/layout.ts';
import { addMessage, RingReader } from '../../../packages/server/src/window/ring.ts';
import { type Random, wholeBelow } from './random.ts';

export interface Stretch {
  /** Epoch ms, [from, to). */
  readonly from: number;
  readonly to: number;
}

/** Far more seldom than a server flushes, far more often than the ring goes around. */
const flushEveryMs = 20_000;
const windowMs = 10;
const mostPerWindow = 12;

/** One boot with a clean stop; random counts in every window. */
export async function writeHistory(
  dataDir: string,
  { from, to }: Stretch,
  random: Random,
): Promise<void> {
  const clock = new VirtualClock(from);
  const store = await Store.open(() => openDatabase(dataDir));
  const memory = allocate(1);
  const stripe = stripeOf(memory, 0);
  const coordinator = await Coordinator.open({
    clock,
    ring: new RingReader(memory),
    workerCount: 1,
    store,
    anchor: anchorIn(dataDir),
    node: 'history',
    events: { clockStepped: () => undefined, stalled: () => undefined },
  });
  await coordinator.begin();
  while (clock.wallMs < to) {
    const until = Math.min(to, clock.wallMs + flushEveryMs);
    for (; clock.wallMs < until; clock.pass(windowMs)) {
      const messages = wholeBelow(random, mostPerWindow);
      for (let index = 0; index < messages; index++) addMessage(stripe, clock.wallMs);
    }
    await coordinator.flush();
  }
  await coordinator.stop();
  await store.close();
}
