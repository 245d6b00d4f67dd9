/**
 * A node of a cluster in virtual time, driven by one seed, with a disk and a NATS that fail; and a
 * merger that gets its messages late, twice and in any order. The node's clock steps by hours, its
 * folder is replaced by an older copy, and the register is away or lost.
 *
 * When all is well again, the cluster has exactly what the node's own store holds, window by window.
 */
import { ms10 } from '@reto3/core';
import { Random, VirtualClock } from '@reto3/core/testing';
import { allTime, Coordinator, neverPublished, readChunks, Store } from '@reto3/engine';
import { addMessage, allocate, RingReader, reachMs, stripeOf } from '@reto3/engine/ring';
import { SimulatedDisk, type Trouble } from '@reto3/engine/testing';
import { nextBoot } from '../boot.ts';
import { MergeState } from '../merge-state.ts';
import type { StoredMinutes } from '../merged-minute.ts';
import { MergedReports } from '../merged-reports.ts';
import { decodeMessage } from '../message.ts';
import { NodeReads } from '../node-reads.ts';
import { Publisher } from '../publisher.ts';
import { Puller } from '../puller.ts';
import { isReportMessage } from '../report-message.ts';
import { silentLog } from '../testing/silent-log.ts';

const node = 'simulated';
const ignored = () => undefined;
const flushMs = 100;
const startMs = Date.UTC(2016, 4, 28, 23, 58, 30);

export class ClusterSimulation {
  readonly #random: Random;
  readonly #clock = new VirtualClock(startMs);
  readonly #disk: SimulatedDisk;
  readonly log: string[] = [];
  /** The stream, with the time of each acknowledgement, monotonic ms. */
  #stream: { readonly bytes: Uint8Array; readonly atMs: number }[] = [];
  #registered = 0;
  /** Messages that bypassed the stream. */
  #told: Uint8Array[] = [];
  #natsAway = false;
  /** NATS is there, but its stream takes nothing. */
  #streamRefuses = false;
  #registerAway = false;
  #joined = false;
  /** An older copy of the folder, and its boot. */
  #copy: { readonly boot: number; readonly putBack: () => void } | undefined;
  /** Nothing fails anymore. */
  #calm = false;
  #memory = allocate(1);
  #coordinator: Coordinator | undefined;
  #publisher: Publisher | undefined;
  #store: Store | undefined;
  /** Raised by a crash: messages of an older process are lost. */
  #generation = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#disk = new SimulatedDisk(this.#random);
  }

  /** Takes so many random steps, heals everything and compares. @throws Error */
  async run(steps: number): Promise<void> {
    await this.#start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await settle();
    }
    this.#disk.heal();
    this.#disk.slow = false;
    this.#disk.release();
    this.#natsAway = this.#streamRefuses = this.#registerAway = false;
    for (let beat = 0; beat < 100; beat++) await this.#pass(flushMs);
    this.#calm = true;
    for (let beat = 0; beat < 20; beat++) await this.#pass(flushMs);
    await this.#coordinator?.flusher.pause();
    await this.#coordinator?.stop();
    await this.#compare();
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.35) this.#send();
    else if (dice < 0.7)
      await this.#pass(this.#random.pick([10, 50, 100, 200, 1_000, 5_000, 70_000]));
    else if (dice < 0.75) this.#stepClock();
    else if (dice < 0.8) {
      this.#natsAway = !this.#natsAway;
      this.#note(`NATS is ${this.#natsAway ? 'away' : 'back'}`);
    } else if (dice < 0.83) {
      this.#streamRefuses = !this.#streamRefuses;
      this.#note(`the stream takes ${this.#streamRefuses ? 'nothing' : 'messages'}`);
    } else if (dice < 0.85) this.#reconnect();
    else if (dice < 0.86) this.#loseRegister();
    else if (dice < 0.875) {
      this.#registerAway = !this.#registerAway;
      this.#note(`the register is ${this.#registerAway ? 'away' : 'back'}`);
    } else if (dice < 0.9) this.#troubleDisk();
    else await this.#crash();
  }

  #send(): void {
    const times = this.#random.between(1, 50);
    for (let time = 0; time < times; time++) {
      addMessage(stripeOf(this.#memory, 0), this.#clock.wallMs - this.#random.pick([0, 0, 0, 900]));
    }
    this.#note(`${times} messages`);
  }

  async #pass(ms: number): Promise<void> {
    this.#note(`${ms} ms pass`);
    for (let left = ms; left > 0; ) {
      const beatMs = Math.min(left, ms > 1_000 ? Math.floor(reachMs / 3) : flushMs);
      this.#clock.pass(beatMs);
      left -= beatMs;
      void this.#coordinator?.flusher.beat();
      await settle();
      // Joining may have to wait for the disk, and so for time to pass.
      if (this.#joined || this.#registerAway) continue;
      this.#join().catch(() => {
        this.#joined = false;
      });
    }
  }

  #stepClock(): void {
    const ms = this.#random.pick([
      ...[-3_600_000, -400_000, -200_000, -1_000, 50, 90_000, 400_000],
      ...[-3 * 3_600_000, 3 * 3_600_000],
    ]);
    this.#clock.step(ms);
    this.#note(`the clock steps by ${ms} ms`);
  }

  #troubleDisk(): void {
    const what = this.#random.pick<Trouble>([
      'fail',
      'heal',
      'heal',
      'slow',
      'release',
      'fail one sync',
    ]);
    this.#disk.trouble(what);
    this.#note(`disk: ${what}`);
  }

  async #crash(): Promise<void> {
    const power = this.#random.chance(0.5);
    if (power) this.#disk.cutPower();
    else this.#disk.kill();
    this.#disk.heal();
    this.#note(power ? 'the power fails' : 'the process is killed');
    this.#replaceFolder();
    await this.#start();
  }

  /** Restores an older copy of the folder, or makes one. */
  #replaceFolder(): void {
    const { boot } = this.#publisher?.published() ?? neverPublished;
    // A later boot recognizes an older folder only by the register.
    if (this.#copy !== undefined && this.#registered > this.#copy.boot) {
      if (!this.#random.chance(0.3)) return;
      this.#note(`the folder is put back to boot ${this.#copy.boot}`);
      this.#copy.putBack();
      this.#copy = undefined;
      return;
    }
    // If a power cut took even the boot, the folder is empty, and voids nothing.
    if (this.#registered === boot && this.#random.chance(0.3))
      this.#copy = { boot, putBack: this.#disk.copy() };
  }

  async #start(): Promise<void> {
    this.#generation++;
    this.#joined = false;
    this.#memory = allocate(1);
    this.#store = await Store.open(() => this.#disk.open());
    const coordinator = await Coordinator.open({
      clock: this.#clock,
      ring: new RingReader(this.#memory),
      workerCount: 1,
      store: this.#store,
      anchor: this.#disk.anchor,
      journals: this.#disk.journals,
      flush: { flushMs, ack: 'memory' },
      node,
      events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
    });
    this.#coordinator = coordinator;
    const publisher = new Publisher({
      node,
      source: coordinator,
      clock: this.#clock,
      published: coordinator.published ?? neverPublished,
      newestEnd: coordinator.endBefore,
      reports: { list: () => [], writtenThrough: (finalThrough) => finalThrough },
      events: { failed: ignored, recovered: ignored },
      log: silentLog,
    });
    this.#publisher = publisher;
    coordinator.join(publisher);
    await coordinator.prepare();
    coordinator.count();
    if (!this.#registerAway) await this.#join(this.#random.chance(0.1));
  }

  /** Like `PublishingNode`. @param dies before the register has the boot */
  async #join(dies = false): Promise<void> {
    const [coordinator, publisher] = [this.#coordinator, this.#publisher];
    if (coordinator === undefined || publisher === undefined) throw new Error('BUG: not started');
    this.#joined = true;
    const next = nextBoot({
      before: publisher.published(),
      registered: this.#registered,
      endBefore: coordinator.endBefore,
      startedAt: coordinator.state().startedAt,
      wallMs: this.#clock.wallMs,
      gone: coordinator.gone.ms10,
      deletedBefore: 0,
    });
    publisher.announce(next, this.#registered);
    const generation = this.#generation;
    await coordinator.savePublished(publisher.published());
    if (generation !== this.#generation) return;
    if (dies) return this.#crash();
    this.#registered = next.boot;
    const tell = (bytes: Uint8Array): void => {
      if (generation === this.#generation && !this.#natsAway && this.#random.chance(0.9))
        this.#told.push(bytes);
    };
    const publish = async (bytes: Uint8Array): Promise<void> => {
      if (generation !== this.#generation) return new Promise(() => undefined);
      // The node has no reports.
      if (isReportMessage(bytes)) return;
      const takes = !this.#natsAway && !this.#streamRefuses;
      const reached = this.#calm || (takes && this.#random.chance(0.9));
      if (reached) this.#stream.push({ bytes, atMs: this.#clock.monotonicMs });
      else if (this.#natsAway && this.#random.chance(0.2)) this.#loseAcknowledged();
      // It may be in the stream without an acknowledgement.
      if (!reached || (!this.#calm && this.#random.chance(0.1))) throw new Error('timeout');
    };
    publisher.begin({ publish, tell, mostBytes: 1 << 20 });
  }

  /** Connects to another server, perhaps without a failed message. */
  #reconnect(): void {
    if (this.#natsAway) return;
    this.#note('connected to NATS again');
    this.#loseAcknowledged();
    this.#publisher?.connected();
  }

  /** The next boot does not find those before it. */
  #loseRegister(): void {
    this.#note('the register is lost');
    this.#registered = 0;
  }

  /** Another server leads the stream, without its newest messages. */
  #loseAcknowledged(): void {
    const since = this.#clock.monotonicMs - this.#random.pick([300, 5_000, 100_000]);
    const before = this.#stream.length;
    this.#stream = this.#stream.filter(({ atMs }) => atMs < since);
    this.#note(`NATS loses ${before - this.#stream.length} messages`);
  }

  async #compare(): Promise<void> {
    const coordinator = this.#coordinator;
    if (coordinator === undefined) throw new Error('BUG: not started');
    const state = new MergeState({
      silentAfterMs: 1_000,
      stored: nothingStored,
    });
    const now = this.#clock.read();
    const again = this.#stream.filter(() => this.#random.chance(0.2));
    for (const { bytes } of this.#shuffled([...this.#stream, ...again]))
      state.apply(node, decodeMessage(bytes, node), now);
    for (const bytes of this.#shuffled(this.#told))
      state.apply(node, decodeMessage(bytes, node), now, true);
    await this.#pull(state);
    const cluster = new Map<number, number>();
    for (const minute of state.minutes()) {
      for (const [index, counted] of minute.ms10.counted.entries()) {
        if (counted === 1)
          cluster.set(minute.start + index * ms10.windowMs, minute.ms10.counts[index] ?? 0);
      }
    }
    const view = coordinator.view();
    try {
      for await (const chunk of readChunks(view, ms10, { from: allTime.from, to: allTime.to })) {
        for (const [index, counted] of chunk.windows.counted.entries()) {
          const start = chunk.start + index * ms10.windowMs;
          if (counted !== 1) continue;
          const [want, got] = [chunk.windows.counts[index], cluster.get(start)];
          if (got !== want) throw new Error(`got ${got} at ${start}, want ${want}`);
          cluster.delete(start);
        }
      }
    } finally {
      await view.store.close();
    }
    for (const [start, count] of cluster) {
      throw new Error(`got ${count} at ${start}, where the node has a gap`);
    }
  }

  /** Reads from the node what the stream has lost. */
  async #pull(state: MergeState): Promise<void> {
    const publisher = this.#publisher;
    if (publisher === undefined) throw new Error('BUG: not started');
    const mistakes: unknown[] = [];
    const onMistake = (error: unknown) => mistakes.push(error);
    const reads = new NodeReads({ node, keptFrom: () => 0, publisher, onMistake });
    const take = async (_: string, bytes: Uint8Array): Promise<void> => {
      if (!isReportMessage(bytes))
        state.apply(node, decodeMessage(bytes, node), this.#clock.read(), true);
    };
    const deletedBefore = { ms10: 0, sec: 0, min: 0 };
    const merged = new MergedReports({ deletedBefore, readReport: () => undefined }, []);
    const puller = new Puller({
      ...{
        clock: this.#clock,
        state,
        reports: merged,
        keptFrom: () => 0,
        oldest: async () => 0,
        take,
      },
      request: (_, bytes) => reads.answer(bytes),
      onMistake,
    });
    // By then, windows of a clock that was ahead are in the past.
    this.#clock.step(86_400_000);
    state.missingOfAll(Number.POSITIVE_INFINITY);
    puller.look();
    await puller.idle();
    if (mistakes.length > 0) throw mistakes[0];
    const [known] = state.nodes();
    if (known?.unread !== undefined) throw new Error('the node could not be read');
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    const shuffled: T[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(this.#random.below(rest.length), 1));
    return shuffled;
  }

  #note(what: string): void {
    this.log.push(what);
  }
}

const nothingStored: StoredMinutes = {
  part: () => undefined,
  names: () => [],
  block: () => undefined,
};

/** Lets everything finish that needs no virtual time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
