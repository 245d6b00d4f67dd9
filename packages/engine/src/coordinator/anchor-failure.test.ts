/** An anchor that cannot be written: counted, told, and told until it can be. */

import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { allocate } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import { Store } from '../store/store.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';

it('is a failed flush, and nothing has recovered before it is written', async () => {
  const clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11));
  let failing = false;
  const told: string[] = [];
  const database = new MemoryLevel<string, string>();
  const coordinator = await Coordinator.open({
    clock,
    ring: new RingReader(allocate(1)),
    workerCount: 1,
    // Opened again, it is the same one.
    store: await Store.open(async () => {
      await database.open();
      return database;
    }),
    anchor: {
      read: async () => undefined,
      write: async () => {
        if (failing) throw new Error('no space');
      },
    },
    journals: new MemoryJournal(),
    flush: { flushMs: 100, ack: 'memory' },
    node: 'test',
    events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
  });
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
  // It is moved when a minute is closed.
  await pass(70);
  expect(told).toEqual(['Error: no space']);
  expect(coordinator.state().failedFlushes).toBeGreaterThan(2);
  failing = false;
  await pass(3);
  expect(told).toEqual(['Error: no space', 'recovered']);
});
