/** An anchor that cannot be written: counted and reported, and cured once it can be written. */
import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { allocate } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import type { Anchor } from '../store/anchor.ts';
import { Store } from '../store/store.ts';
import { memoryAnchor } from '../testing/memory-anchor.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';

function partsOf(clock: VirtualClock, store: Store, anchor: Anchor, journals: MemoryJournal) {
  return {
    ...{ clock, store, anchor, journals, node: 'test', workerCount: 1 },
    ring: new RingReader(allocate(1)),
    flush: { flushMs: 100, ack: 'memory' },
    events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
  } as const;
}

it('is a failed flush, and nothing has recovered before it is written', async () => {
  const clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11));
  let failing = false;
  const told: string[] = [];
  const database = new MemoryLevel<string, string>();
  // Reopened, it is the same one.
  const store = await Store.open(async () => {
    await database.open();
    return database;
  });
  const anchor = {
    read: async () => undefined,
    write: async () => {
      if (failing) throw new Error('no space');
    },
  };
  const coordinator = await Coordinator.open(partsOf(clock, store, anchor, new MemoryJournal()));
  await coordinator.prepare();
  coordinator.count();
  coordinator.flusher.observe({
    flushed: () => undefined,
    failed: (error) => told.push(String(error)),
    recovered: () => told.push('recovered'),
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let beat = 0; beat < seconds * 10; beat++) {
      clock.pass(100);
      await coordinator.flusher.beat();
    }
  };
  await pass(3);
  expect(coordinator.state().failedFlushes).toBe(0);
  failing = true;
  // It is written when a minute closes.
  await pass(70);
  expect(told).toEqual(['Error: no space']);
  expect(coordinator.state().failedFlushes).toBeGreaterThan(2);
  failing = false;
  await pass(3);
  expect(told).toEqual(['Error: no space', 'recovered']);
});

it.each([1, 2])('leaves a new folder that starts again if write %i fails', async (failing) => {
  const clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11));
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const journals = new MemoryJournal();
  const anchor = memoryAnchor();
  let writes = 0;
  const failingAnchor = {
    read: anchor.read,
    write: async (number: number) => {
      writes++;
      if (writes === failing) throw new Error('no space');
      await anchor.write(number);
    },
  };
  const first = await Coordinator.open(partsOf(clock, store, failingAnchor, journals));
  await expect(first.prepare()).rejects.toThrow('no space');
  const second = await Coordinator.open(partsOf(clock, store, anchor, journals));
  await second.prepare();
  expect(await anchor.read()).toBe(second.flusher.meta.writes);
});
