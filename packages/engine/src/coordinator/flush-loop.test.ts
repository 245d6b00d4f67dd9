import { type Ack, messageOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allocate, controlOf, stripeOf } from '../ring/layout.ts';
import { addMessage, askForFlush, RingReader } from '../ring/ring.ts';
import { noAnchor } from '../store/anchor.ts';
import { Store } from '../store/store.ts';
import { Coordinator } from './coordinator.ts';
import { FlushLoop } from './flush-loop.ts';

const flushMs = 100;

describe('FlushLoop', () => {
  let clock: VirtualClock;
  let memory: SharedArrayBuffer;
  let store: Store;
  let coordinator: Coordinator;
  let loop: FlushLoop;
  let failures: string[];
  /** Why the disk fails; undefined: it works. */
  let fault: string | undefined;

  async function start(ack: Ack): Promise<void> {
    const ring = new RingReader(memory);
    const events = {
      clockStepped: () => undefined,
      stalled: () => undefined,
      damaged: () => undefined,
    };
    const anchor = noAnchor();
    const parts = { clock, ring, workerCount: 1, store, anchor, node: 'test', events };
    coordinator = await Coordinator.open(parts);
    await coordinator.prepare();
    coordinator.count();
    const flushEvents = {
      flushed: () => undefined,
      failed: (error: unknown) => failures.push(messageOf(error)),
      recovered: () => failures.push('recovered'),
    };
    loop = new FlushLoop(coordinator, clock, { flushMs, ack }, flushEvents);
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += loop.beatMs) {
      clock.pass(loop.beatMs);
      await loop.beat();
    }
  }

  function add(): void {
    addMessage(stripeOf(memory, 0), clock.wallMs);
  }

  beforeEach(async () => {
    clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11, 2));
    memory = allocate(1);
    failures = [];
    fault = undefined;
    const database = new MemoryLevel<string, string>();
    store = await Store.open(
      async () => {
        if (fault !== undefined) throw new Error(fault);
        await database.open();
        return database;
      },
      async () => {
        if (fault !== undefined) throw new Error('cannot sync');
      },
    );
  });

  afterEach(() => store.close());

  it.each(['memory', 'durable'] as const)(
    'writes once a second while nothing comes: %s',
    async (ack) => {
      await start(ack);
      await pass(10_000);
      expect(coordinator.state().flushes).toBe(10);
    },
  );

  it('writes every flush interval while messages come', async () => {
    await start('memory');
    for (let time = 0; time < 50; time++) {
      add();
      await pass(flushMs);
      expect(coordinator.state()).toMatchObject({ messagesUnsaved: 0, messagesInAll: time + 1 });
    }
    expect(coordinator.state().flushes).toBe(50);
  });

  it('writes a message within one flush interval, however long nothing came before', async () => {
    await start('memory');
    for (const idleMs of [100, 900, 1_000, 1_100, 5_500]) {
      await pass(idleMs);
      add();
      await pass(flushMs);
      const { messagesSinceStart, messagesUnsaved } = coordinator.state();
      expect(messagesUnsaved).toBe(0);
      expect(messagesSinceStart).toBeGreaterThan(0);
    }
  });

  it('tells each new reason once, and that it has recovered', async () => {
    await start('memory');
    add();
    fault = 'the folder is gone';
    await pass(10_000);
    fault = 'the disk is full';
    await pass(10_000);
    fault = 'the folder is gone';
    await pass(10_000);
    expect(failures).toEqual(['cannot sync', 'the folder is gone', 'the disk is full']);
    fault = undefined;
    await pass(3_000);
    expect(failures.at(-1)).toBe('recovered');
    expect(coordinator.state()).toMatchObject({ messagesInAll: 1, messagesUnsaved: 0 });
  });

  it('commits at the next beat what a response waits for', async () => {
    await start('durable');
    await pass(3_000);
    add();
    askForFlush(controlOf(memory));
    await pass(loop.beatMs);
    expect(coordinator.state()).toMatchObject({ messagesInAll: 1, messagesUnsaved: 0 });
  });
});
