/** Failures of the disk while a server runs. */
import { messageOf, min, ms10 } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { audit } from '../query/audit.ts';
import { readChunks } from '../query/chunks.ts';
import { allocate, stripeOf } from '../ring/layout.ts';
import { addMessage, RingReader } from '../ring/ring.ts';
import { Store } from '../store/store.ts';
import { memoryAnchor } from '../testing/memory-anchor.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';

const startMs = Date.UTC(2026, 0, 1, 0, 0, 5);
const hourMs = 3_600_000;

/** A database whose batches and openings can fail or hang. */
class UnsteadyLevel extends MemoryLevel<string, string> {
  mode: 'works' | 'fails' | 'hangs' = 'works';
  release = (): void => undefined;

  override async open(): Promise<void> {
    if (this.mode === 'fails') throw new Error('EROFS');
    await this.#hang();
    await super.open();
  }

  // abstract-level calls this; it is not in its types, being for databases only.
  async _batch(operations: unknown, options: unknown): Promise<void> {
    if (this.mode === 'fails') throw new Error('ENOSPC');
    await this.#hang();
    const batch: unknown = Reflect.get(MemoryLevel.prototype, '_batch');
    if (typeof batch !== 'function') throw new Error('BUG: memory-level has no _batch');
    await Reflect.apply(batch, this, [operations, options]);
  }

  async #hang(): Promise<void> {
    if (this.mode !== 'hangs') return;
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
  }
}

class Server {
  readonly clock = new VirtualClock(startMs);
  readonly database = new UnsteadyLevel();
  readonly journals = new MemoryJournal();
  readonly anchor = memoryAnchor();
  readonly told: string[] = [];
  memory = allocate(1);
  store: Store | undefined;
  #coordinator: Coordinator | undefined;

  get coordinator(): Coordinator {
    if (this.#coordinator === undefined) throw new Error('not started');
    return this.#coordinator;
  }

  async start(): Promise<void> {
    this.memory = allocate(1);
    this.store = await Store.open(async () => {
      await this.database.open();
      return this.database;
    });
    const { clock, store, anchor, journals } = this;
    this.#coordinator = await Coordinator.open({
      ...{ clock, store, anchor, journals, node: 'test', workerCount: 1 },
      ring: new RingReader(this.memory),
      flush: { flushMs: 100, ack: 'memory' },
      events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
    });
    this.coordinator.flusher.observe({
      flushed: () => undefined,
      failed: (error) => void this.told.push(messageOf(error)),
      recovered: () => void this.told.push('recovered'),
    });
    await this.coordinator.prepare();
    this.coordinator.count();
  }

  add(messages = 1): void {
    for (let time = 0; time < messages; time++)
      addMessage(stripeOf(this.memory, 0), this.clock.wallMs);
  }

  /** Time passes, in beats. */
  async pass(ms: number, beatMs = 100): Promise<void> {
    for (let left = ms; left > 0; left -= beatMs) {
      this.clock.pass(Math.min(left, beatMs));
      const beating = this.coordinator.flusher.beat();
      // A hanging beat does not resolve.
      await Promise.race([beating, new Promise((resolve) => setImmediate(resolve))]);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async isWhole(): Promise<boolean> {
    const view = this.coordinator.view();
    try {
      return (await audit(view, this.coordinator.state(), {}, this.clock.wallMs)).ok;
    } finally {
      await view.store.close();
    }
  }
}

describe('a server on a disk that fails', () => {
  let server: Server;

  beforeEach(async () => {
    server = new Server();
    await server.start();
    server.add(10);
    await server.pass(1_000);
  });

  it('keeps six hours in memory if its store cannot be reopened, and reports each reason once', async () => {
    server.database.mode = 'fails';
    server.journals.failing = true;
    for (let minute = 0; minute < 12 * 60; minute++) {
      server.add();
      await server.pass(60_000, 60_000);
    }
    expect([...server.coordinator.minutesInMemory()].length).toBeLessThan(365);
    expect(server.told).toEqual(['the disk is full', 'EROFS']);
    const { messagesLost } = server.coordinator.state();
    expect(messagesLost).toBeGreaterThan(300);
    server.database.mode = 'works';
    server.journals.failing = false;
    await server.pass(10_000);
    expect(server.told.at(-1)).toBe('recovered');
    expect(await server.isWhole()).toBe(true);
    const before = server.coordinator.state().messagesInAll;
    // Dropped messages do not come back.
    await server.coordinator.stop();
    await server.start();
    expect(await server.isWhole()).toBe(true);
    expect(server.coordinator.state().messagesInAll).toBe(before);
  });

  it('knows how many messages no record contains, and a restart finds all others', async () => {
    server.journals.failing = true;
    server.add(5);
    await server.pass(500);
    expect(server.coordinator.state()).toMatchObject({ messagesInAll: 15, messagesUnsaved: 5 });
    await expect(server.coordinator.stop()).rejects.toThrow();
    expect(server.coordinator.state().messagesUnsaved).toBe(5);
    server.journals.failing = false;
    await server.start();
    expect(server.coordinator.state().messagesInAll).toBe(10);
  });

  it('reports a full disk within two seconds, even if the next records still fit', async () => {
    server.journals.full = true;
    server.add(5);
    await server.pass(2_000);
    expect(server.told).toEqual(['ENOSPC']);
    server.add(5);
    server.journals.full = false;
    await server.pass(3_000);
    expect(server.told).toEqual(['ENOSPC', 'recovered']);
    expect(server.coordinator.state().messagesInAll).toBe(20);
    expect(await server.isWhole()).toBe(true);
  });

  it('notices a write that hangs, and recovers when it returns', async () => {
    await server.pass(53_000);
    server.database.mode = 'hangs';
    await server.pass(20_000);
    expect(server.told).toEqual([
      'cannot write to the database: the disk has not answered for 10 s',
    ]);
    await expect(server.coordinator.commit()).rejects.toMatchObject({
      code: 'RETO3_STORE_FAILING',
    });
    server.add(5);
    server.database.mode = 'works';
    server.database.release();
    await server.pass(5_000);
    expect(server.told.at(-1)).toBe('recovered');
    expect(server.coordinator.state()).toMatchObject({ messagesInAll: 15, messagesUnsaved: 0 });
    expect(await server.isWhole()).toBe(true);
  });

  it('knows at the next start what a batch contains that it gave up waiting for', async () => {
    await server.pass(53_000);
    server.database.mode = 'hangs';
    await server.pass(20_000);
    server.database.mode = 'works';
    server.database.release();
    await server.pass(5_000);
    expect(await server.isWhole()).toBe(true);
    await server.coordinator.stop();
    await server.start();
    expect(server.coordinator.state().messagesInAll).toBe(10);
    expect(await server.isWhole()).toBe(true);
  });

  it('shows minutes that began while the opening of its store hung', async () => {
    server.journals.failing = true;
    await server.pass(1_500);
    server.database.mode = 'hangs';
    await server.pass(60_000, 1_000);
    server.add(5);
    server.journals.failing = false;
    server.database.mode = 'works';
    server.database.release();
    await new Promise(setImmediate);
    expect(server.coordinator.flusher.isFailing).toBe(true);
    expect(await server.isWhole()).toBe(true);
  });

  it('finds everything after a crash between a new journal and the batch that names it', async () => {
    await server.pass(53_000);
    server.add(3);
    await server.pass(200);
    server.database.mode = 'hangs';
    const [before] = await server.journals.ids();
    for (let second = 0; second < 6; second++) {
      server.add();
      await server.pass(1_000);
    }
    // The minute closes: its batch hangs, and records go to the new journal.
    expect(await server.journals.ids()).toEqual([before, expect.any(Number)]);
    server.database.mode = 'works';
    await server.start();
    expect(server.coordinator.state().messagesInAll).toBe(19);
    expect(await server.isWhole()).toBe(true);
  });

  it('stops with an error if a write hangs', async () => {
    await server.pass(53_000);
    server.database.mode = 'hangs';
    await server.pass(5_000);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const stopping = server.coordinator.stop();
      const stopped = expect(stopping).rejects.toMatchObject({ code: 'RETO3_STORE_FAILING' });
      await vi.advanceTimersByTimeAsync(30_000);
      await stopped;
    } finally {
      vi.useRealTimers();
    }
  });

  it('tries to stop again after a pause', async () => {
    server.add(3);
    server.journals.failing = true;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const stopping = server.coordinator.stop();
      await vi.advanceTimersByTimeAsync(100);
      server.journals.failing = false;
      await vi.advanceTimersByTimeAsync(1_000);
      await stopping;
    } finally {
      vi.useRealTimers();
    }
    await server.start();
    expect(server.coordinator.state().messagesInAll).toBe(13);
  });

  it('treats a failed change of the meta row as a failure of the store', async () => {
    server.database.mode = 'fails';
    await expect(server.coordinator.deleteBefore('ms10', startMs)).rejects.toThrow();
    expect(server.told).toEqual(['ENOSPC']);
    server.database.mode = 'works';
    await server.pass(3_000);
    expect(server.told).toEqual(['ENOSPC', 'recovered']);
  });

  it('subtracts what retention deletes once, however often deleting fails', async () => {
    await server.pass(130_000, 10_000);
    server.clock.pass(48 * hourMs);
    await server.coordinator.stop();
    await server.start();
    const { store } = server;
    if (store === undefined) throw new Error('not started');
    const before = Date.UTC(2026, 0, 2);
    for (const period of ['ms10', 'sec'] as const)
      await server.coordinator.deleteBefore(period, before);
    const failing = vi.spyOn(store, 'deleteBefore').mockRejectedValueOnce(new Error('EIO'));
    await expect(server.coordinator.deleteBefore('min', before)).rejects.toThrow('EIO');
    expect(server.coordinator.state().messagesInAll).toBe(0);
    await server.pass(3_000);
    failing.mockRestore();
    await server.coordinator.deleteBefore('min', before + 24 * hourMs);
    expect(server.coordinator.state().messagesInAll).toBe(0);
    expect(await server.isWhole()).toBe(true);
  });

  it('does not mistake an interrupted read for damage', async () => {
    await server.pass(300_000, 1_000);
    const view = server.coordinator.view();
    const read = async (): Promise<void> => {
      for await (const _ of readChunks(view, ms10, { from: 0, to: server.clock.wallMs })) {
        server.journals.failing = true;
        await server.pass(200);
        server.journals.failing = false;
        await server.pass(3_000);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'RETO3_STORE_FAILING' });
    expect(server.coordinator.state().damagedBlocks).toEqual([]);
  });
});

it('revises no window that nobody had counted, after a clock was a year ahead', async () => {
  const server = new Server();
  await server.start();
  const year = 365 * 24 * hourMs;
  await server.pass(2_000);
  server.clock.step(year);
  await server.pass(1_000);
  server.clock.step(-year);
  for (let beat = 0; beat < 100; beat++) {
    server.add();
    await server.pass(100);
  }
  const view = server.coordinator.view();
  const range = { from: startMs + 5_000, to: startMs + 10 * min.windowMs };
  let [messages, revised] = [0, 0];
  for await (const { windows } of readChunks(view, ms10, range)) {
    messages += windows.counts.reduce((sum, count) => sum + count, 0);
    revised += windows.revised.reduce((sum, bit) => sum + bit, 0);
  }
  await view.store.close();
  expect(messages).toBeGreaterThan(50);
  expect(revised).toBe(0);
  expect(view.newestEnd).toBeLessThan(server.clock.wallMs + 60_000);
  expect(view.countedEnd).toBeGreaterThan(server.clock.wallMs + year - 60_000);
  expect(await server.isWhole()).toBe(true);
});
