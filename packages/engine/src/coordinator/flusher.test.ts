import { type Ack, messageOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JournalFile } from '../journal/journal-folder.ts';
import { allocate, controlOf, stripeOf } from '../ring/layout.ts';
import { addMessage, askForFlush, RingReader } from '../ring/ring.ts';
import { Store } from '../store/store.ts';
import { memoryAnchor } from '../testing/memory-anchor.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';

const flushMs = 100;

/** Resolves once the condition holds. No time passes for the flusher meanwhile. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === 100_000) throw new Error('the condition does not hold');
    await new Promise(setImmediate);
  }
}

/** A journal whose syncs can fail, and whose writes can take time. */
class UnsteadyJournal extends MemoryJournal {
  readonly #fails: () => boolean;
  readonly #takeMs: () => void;
  /** How many writes blocked the thread. */
  blocking = 0;
  /** Asynchronous writes start after this. */
  held: Promise<void> | undefined;

  constructor(fails: () => boolean, takeMs: () => void) {
    super();
    this.#fails = fails;
    this.#takeMs = takeMs;
  }

  override async create(id: number, header: Uint8Array): Promise<JournalFile> {
    const file = await super.create(id, header);
    const sync = async (): Promise<void> => {
      if (this.#fails()) throw new Error('cannot sync');
    };
    const writeSync = (bytes: Uint8Array, at: number): void => {
      this.blocking++;
      this.#takeMs();
      file.writeSync(bytes, at);
    };
    const write = async (bytes: Uint8Array, at: number): Promise<void> => {
      await this.held;
      await file.write(bytes, at);
    };
    return { ...file, size: file.size, sync, write, writeSync };
  }
}

describe('Flusher', () => {
  let clock: VirtualClock;
  let memory: SharedArrayBuffer;
  let store: Store;
  let coordinator: Coordinator;
  let journals: UnsteadyJournal;
  /** How long each of the next blocking writes takes, ms; later ones take none. */
  let delays: number[];
  let failures: string[];
  /** When commits were done, monotonic ms. */
  let commits: number[];
  /** The error of the disk; undefined: it works. */
  let fault: string | undefined;

  async function start(ack: Ack): Promise<void> {
    const ring = new RingReader(memory);
    const events = {
      clockStepped: () => undefined,
      stalled: () => undefined,
      damaged: () => undefined,
    };
    const anchor = memoryAnchor();
    const flush = { flushMs, ack };
    const parts = { clock, ring, workerCount: 1, store, anchor, journals, flush };
    coordinator = await Coordinator.open({ ...parts, node: 'test', events });
    await coordinator.prepare();
    coordinator.count();
    coordinator.flusher.observe({
      flushed: () => commits.push(clock.monotonicMs),
      failed: (error: unknown) => failures.push(messageOf(error)),
      recovered: () => failures.push('recovered'),
    });
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += flushMs) {
      clock.pass(flushMs);
      await coordinator.flusher.beat();
    }
  }

  function add(): void {
    addMessage(stripeOf(memory, 0), clock.wallMs);
  }

  beforeEach(async () => {
    clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11, 2));
    memory = allocate(1);
    failures = [];
    commits = [];
    fault = undefined;
    const database = new MemoryLevel<string, string>();
    delays = [];
    journals = new UnsteadyJournal(
      () => fault !== undefined,
      () => clock.pass(delays.shift() ?? 0),
    );
    store = await Store.open(async () => {
      if (fault !== undefined) throw new Error(fault);
      await database.open();
      return database;
    });
  });

  afterEach(() => store.close());

  it.each(['memory', 'durable'] as const)(
    'writes once a second without messages: %s',
    async (ack) => {
      await start(ack);
      const { flushes } = coordinator.state();
      await pass(10_000);
      expect(coordinator.state().flushes - flushes).toBe(10);
    },
  );

  it('reports what was final at the sweep of a record, however long its write takes', async () => {
    await start('durable');
    const told: number[] = [];
    coordinator.join({ written: ({ finalThrough }) => told.push(finalThrough) });
    let release = (): void => undefined;
    journals.held = new Promise((resolve) => {
      release = resolve;
    });
    const final = coordinator.sweep();
    const commit = coordinator.commit();
    await new Promise(setImmediate);
    await pass(flushMs);
    release();
    await commit;
    expect(told).toEqual([final]);
  });

  it('writes every flush interval with messages', async () => {
    await start('memory');
    const { flushes } = coordinator.state();
    for (let time = 0; time < 50; time++) {
      add();
      await pass(flushMs);
      expect(coordinator.state()).toMatchObject({ messagesUnsaved: 0, messagesInAll: time + 1 });
    }
    expect(coordinator.state().flushes - flushes).toBe(50);
  });

  it('writes a message within one flush interval, however long none came before', async () => {
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

  it('reports each new reason once, and its recovery', async () => {
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

  it.each([
    { writes: [6, 0, 6, 0], all: 20, what: 'as before after single slow writes' },
    { writes: [6, 6], all: 2, what: 'without waiting after two in a row' },
  ])('writes $what', async ({ writes, all }) => {
    await start('memory');
    await pass(1_000);
    journals.blocking = 0;
    delays = writes;
    for (let time = 0; time < 20; time++) {
      add();
      await pass(flushMs);
    }
    expect(journals.blocking).toBe(all);
    expect(coordinator.state()).toMatchObject({ messagesInAll: 20, messagesUnsaved: 0 });
  });

  it('counts nothing as written after a failed fsync', async () => {
    await start('memory');
    add();
    await pass(flushMs);
    expect(coordinator.state().messagesUnsaved).toBe(0);
    fault = 'the disk is gone';
    await pass(2_000);
    expect(coordinator.state().messagesUnsaved).toBe(1);
  });

  it('commits at the next beat if a response waits', async () => {
    await start('durable');
    await pass(3_000);
    add();
    askForFlush(controlOf(memory));
    await pass(flushMs);
    expect(coordinator.state()).toMatchObject({ messagesInAll: 1, messagesUnsaved: 0 });
  });

  describe('beating by itself in durable mode', () => {
    beforeEach(async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
      await start('durable');
      coordinator.flusher.start();
    });

    afterEach(async () => {
      await coordinator.flusher.pause();
      vi.useRealTimers();
    });

    /** A message whose response waits. */
    function request(): void {
      add();
      askForFlush(controlOf(memory));
    }

    it('commits as soon as a response waits, long before the next beat', async () => {
      request();
      await until(() => commits.length === 1);
      expect(commits).toEqual([0]);
      expect(coordinator.state()).toMatchObject({ messagesInAll: 1, messagesUnsaved: 0 });
    });

    it('knows from the request to the end of the commit that a response waits', async () => {
      const { flusher } = coordinator;
      expect(flusher.isAwaited).toBe(false);
      request();
      expect(flusher.isAwaited).toBe(true);
      await until(() => commits.length === 1);
      await until(() => !flusher.isAwaited);

      // A commit without a request, observed while it runs.
      let wasAwaited = false;
      let isDone = false;
      const committing = flusher.commit().then(() => {
        isDone = true;
      });
      for (let turn = 0; turn < 1_000 && !isDone; turn++) {
        await Promise.resolve();
        wasAwaited ||= flusher.isAwaited;
      }
      await committing;
      expect([wasAwaited, flusher.isAwaited]).toEqual([true, false]);
    });

    it('commits at most once a millisecond, everything that waits', async () => {
      request();
      await until(() => commits.length === 1);
      for (let ms = 1; ms <= 20; ms++) {
        request();
        // It pauses: this timer is beside that of the beat.
        await until(() => vi.getTimerCount() === 2);
        request();
        expect(commits).toHaveLength(ms);
        clock.pass(1);
        vi.advanceTimersByTime(1);
        await until(() => commits.length > ms);
        expect(coordinator.state()).toMatchObject({
          messagesInAll: 1 + 2 * ms,
          messagesUnsaved: 0,
        });
      }
      expect(commits).toEqual(Array.from({ length: 21 }, (_, ms) => ms));
    });
  });
});
