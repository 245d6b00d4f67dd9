/**
 * The ledgers in a coordinator on a store in memory. Whatever the order of batches, failed writes
 * and crashes, the store has exactly the messages that workers handed over and that were flushed.
 */
import { type PeriodName, periods } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { Coordinator, factsKey, rowKey, Store } from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { MemoryJournal, memoryAnchor } from '@reto3/engine/testing';
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import { generated } from './built-in/generated.ts';
import { ReportLedgers } from './ledgers.ts';
import { newMessage } from './message.ts';
import { WorkerReports } from './worker-reports.ts';

const workerCount = 2;
const epochMs = Date.UTC(2016, 4, 28, 11, 11, 58);

/** Index of a 10 ms window, or start of any window → its messages. */
type Model = Map<number, number>;

class Node {
  readonly clock = new VirtualClock(epochMs);
  readonly database = new MemoryLevel<string, string>();
  readonly log: string[] = [];
  readonly #anchor = memoryAnchor();
  readonly #journals = new MemoryJournal();
  #store: Store | undefined;
  #coordinator: Coordinator | undefined;
  #ledgers: ReportLedgers | undefined;
  #workers: WorkerReports[] = [];
  /** The times of messages handed over by the workers, but not written yet. */
  #unwritten: number[] = [];
  readonly written: Model = new Map();
  #inWorkers: number[] = [];

  get ledgers(): ReportLedgers {
    if (this.#ledgers === undefined) throw new Error('not started');
    return this.#ledgers;
  }

  get coordinator(): Coordinator {
    if (this.#coordinator === undefined) throw new Error('not started');
    return this.#coordinator;
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('not started');
    return this.#store;
  }

  async start(): Promise<void> {
    this.#store = await this.#openStore();
    const { store } = this;
    this.#workers = Array.from({ length: workerCount }, () => new WorkerReports([generated]));
    this.#unwritten = [];
    this.#inWorkers = [];
    const events = {
      switchedOff: (report: string, reason: string) => void this.log.push(`${report}: ${reason}`),
      erred: () => undefined,
      damaged: (report: string) => void this.log.push(`${report} is damaged`),
    };
    this.#coordinator = await Coordinator.open({
      clock: this.clock,
      ring: new RingReader(allocate(workerCount)),
      workerCount,
      store,
      anchor: this.#anchor,
      journals: this.#journals,
      node: 'test',
      events: {
        clockStepped: () => undefined,
        stalled: () => undefined,
        damaged: () => undefined,
      },
    });
    this.#ledgers = await ReportLedgers.open([generated], store, this.clock, events);
    this.#coordinator.join(this.#ledgers);
    const workers = {
      workerCount,
      // Later, as threads do.
      askForReports: (number: number) => {
        queueMicrotask(() => this.#handOver(number));
      },
    };
    this.#ledgers.connect(workers);
    this.#ledgers.begin(this.#coordinator.endBefore);
    await this.#coordinator.prepare();
    this.#coordinator.count();
  }

  async #openStore(): Promise<Store> {
    return Store.open(async () => {
      await this.database.open();
      return this.database;
    });
  }

  add(worker: number, time: number): void {
    const body = Buffer.from(
      `value=${new Date(time).toISOString().replace('T', ' ').replace('Z', '')}000`,
    );
    this.#workers[worker]?.add(newMessage({ arrivedMs: this.clock.wallMs, worker, body }));
    this.#inWorkers.push(time);
  }

  #handOver(number: number): void {
    for (const [index, worker] of this.#workers.entries()) {
      const batch = worker.drain();
      this.ledgers.receive(index, number, batch);
      // A duplicate and an old batch, which must be ignored.
      this.ledgers.receive(index, number, batch);
      this.ledgers.receive(index, number - 1, batch);
    }
    this.#unwritten.push(...this.#inWorkers);
    this.#inWorkers = [];
  }

  async flush(): Promise<void> {
    try {
      await this.coordinator.flush();
    } catch {
      this.#journals.failing = false;
      this.clock.pass(3_000);
      await this.coordinator.flusher.beat();
      await this.coordinator.flush();
    }
    for (const time of this.#unwritten) {
      const window = Math.floor(time / 10);
      this.written.set(window, (this.written.get(window) ?? 0) + 1);
    }
    this.#unwritten = [];
  }

  /** The next write fails. */
  fail(): void {
    this.#journals.failing = true;
  }

  /** Syncs what was flushed, and evicts rows whose time is over. */
  async sync(): Promise<void> {
    this.clock.pass(1_000);
    await this.coordinator.flusher.beat();
  }

  /** The windows of a period as a reader sees them. */
  async read(period: PeriodName): Promise<Model> {
    const view = this.ledgers.view('generated', period, Number.MAX_SAFE_INTEGER);
    const counts: Model = new Map();
    try {
      const everything = { from: 0, to: epochMs * 2 };
      const fail = (damage: { reason: string }): never => {
        throw new Error(damage.reason);
      };
      for await (const { start, bytes } of view.windows(everything, fail))
        counts.set(start, generated.decode(bytes).count);
    } finally {
      await view.close();
    }
    return counts;
  }
}

function inPeriod(model: Model, period: PeriodName): Model {
  const { windowMs } = periods[period];
  const counts: Model = new Map();
  for (const [window, count] of model) {
    const start = Math.floor((window * 10) / windowMs) * windowMs;
    counts.set(start, (counts.get(start) ?? 0) + count);
  }
  return counts;
}

function sorted(model: Model): [number, number][] {
  return [...model].sort(([a], [b]) => a - b);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      worker: fc.nat({ max: workerCount - 1 }),
      agoMs: fc.oneof(fc.integer({ min: -50, max: 300 }), fc.integer({ min: 0, max: 200_000 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 70_000 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('flush', 'sync', 'fail', 'crash', 'stop') }),
  },
);

describe('the ledgers', () => {
  it('keep every flushed message once, over failed writes, crashes and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const node = new Node();
        await node.start();
        for (const now of steps) {
          if (now.do === 'add') node.add(now.worker, node.clock.wallMs - now.agoMs);
          else if (now.do === 'pass') node.clock.pass(now.ms);
          else if (now.do === 'flush') await node.flush();
          else if (now.do === 'fail') {
            node.fail();
            await node.flush();
          } else if (now.do === 'sync') {
            await node.flush();
            await node.sync();
          } else {
            if (now.do === 'stop') await node.flush();
            node.clock.pass(1_000);
            await node.start();
          }
        }
        await node.flush();
        for (const period of ['ms10', 'sec', 'min'] as const)
          expect(sorted(await node.read(period))).toEqual(sorted(inPeriod(node.written, period)));
        expect(node.log).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('continue after a damaged row, log it, and report it to every reader', async () => {
    const node = new Node();
    await node.start();
    node.add(0, epochMs);
    await node.flush();
    // The first checkpoint after a start moves it from the journal to the database.
    await node.start();
    const bytes = Uint8Array.from(node.store.readReport(rowKey('generated', 'sec', epochMs)) ?? []);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    const report = rowKey('generated', 'sec', epochMs);
    await node.store.write([{ report, bytes }], { sync: false });
    await node.start();
    node.add(0, epochMs);
    await node.flush();
    expect(node.log).toEqual(['generated is damaged']);
    await expect(node.read('sec')).rejects.toThrow('an earlier part of its row was damaged');
    expect(sorted(await node.read('min'))).toEqual([[epochMs - 58_000, 2]]);
    await node.start();
    await expect(node.read('sec')).rejects.toThrow('an earlier part of its row was damaged');
  });

  it('record when a report ran, also after a kill', async () => {
    const node = new Node();
    await node.start();
    node.clock.pass(5_000);
    await node.flush();
    node.clock.pass(60_000);
    await node.start();
    await node.flush();
    const [facts] = node.ledgers.facts();
    expect(facts).toMatchObject({ name: 'generated', since: epochMs, periods: generated.periods });
    expect(facts?.runs).toEqual([
      { from: epochMs, to: node.coordinator.endBefore },
      { from: epochMs + 65_000 },
    ]);
    expect(node.store.readReport(factsKey('generated'))).toBeDefined();
    node.ledgers.end();
    expect(node.ledgers.facts()[0]?.runs.at(-1)).toEqual({
      from: epochMs + 65_000,
      to: epochMs + 65_000,
    });
  });

  it('evict a row only once its time is over and it is synced', async () => {
    const node = new Node();
    await node.start();
    const key = rowKey('generated', 'sec', epochMs);
    const lose = async (): Promise<void> => {
      await node.store.deleteReports({ gte: key, lt: Buffer.concat([key, Buffer.from([0])]) });
      node.fail();
      await node.flush();
    };
    node.add(0, epochMs);
    await node.flush();
    node.clock.pass(10_000);
    await node.flush();
    await lose();
    expect(node.store.readReport(key)).toBeDefined();
    await node.sync();
    await node.flush();
    await lose();
    expect(node.store.readReport(key)).toBeUndefined();
  });

  it('delete rows with the counts of their period, and keep the other periods', async () => {
    const node = new Node();
    await node.start();
    node.add(0, epochMs - 3_600_000);
    node.add(0, epochMs);
    await node.flush();
    await node.sync();
    node.clock.pass(70_000);
    await node.flush();
    await node.coordinator.deleteBefore('ms10', epochMs - 60_000);
    expect(sorted(await node.read('ms10'))).toEqual([[epochMs, 1]]);
    expect((await node.read('sec')).size).toBe(2);
  });
});
