/**
 * A server in virtual time: workers, a followed log, ring, coordinator, flusher, a participant with
 * rows, and a disk that fails. The steps (steps.ts) do to it what they like; the checks (checks.ts)
 * compare what it has with what it promised.
 */
import { type Ack, ackModes, alignDown, damageMessage, messageOf, min } from '@reto3/core';
import { type Random, VirtualClock } from '@reto3/core/testing';
import { Coordinator } from '../coordinator/coordinator.ts';
import { allocate, controlOf, reachMs, stripeOf } from '../ring/layout.ts';
import { addMessage, askForFlush, collectingFlush, RingReader } from '../ring/ring.ts';
import { Store } from '../store/store.ts';
import { SimulatedDisk, type Trouble } from './disk.ts';
import { Messages } from './messages.ts';
import type { OpenRead } from './open-read.ts';
import { Tally } from './tally.ts';
import { Violation } from './violation.ts';

const workerCount = 2;
export const flushMs = 100;
const secondMs = 1_000;
/** A stop waits 10 s for a disk that hangs, and pauses between its attempts. */
const stopsWithinMs = 35_000;
// Shortly before midnight, so that a minute, an hour and a day end.
const startMs = Date.UTC(2016, 4, 28, 23, 58, 30);

/** A worker that has read the clock but not yet added its message. */
interface Stamped {
  readonly worker: number;
  readonly wallMs: number;
}

interface Process {
  readonly memory: SharedArrayBuffer;
  readonly store: Store;
  readonly coordinator: Coordinator;
  readonly tally: Tally;
}

export class SimulatedServer {
  readonly clock = new VirtualClock(startMs);
  readonly disk: SimulatedDisk;
  readonly messages = new Messages();
  readonly ack: Ack;
  /** The steps so far, to debug a failing seed. */
  readonly log: string[] = [];
  /** A read that stays open while the server goes on. */
  openRead: OpenRead | undefined;
  /** Whether a write or sync failed and memory has not been rewritten yet. */
  hasFailed = false;
  /** What the server reported since it last recovered. */
  readonly reasons = new Set<string>();
  /** Damage that the server reported; nothing is ever damaged. */
  readonly damages: string[] = [];
  readonly #random: Random;
  readonly #passTimers: (ms: number) => void;
  #process: Process | undefined;
  readonly #stamped: Stamped[] = [];

  /** @param passTimers runs the timers of the next ms */
  constructor(random: Random, passTimers: (ms: number) => void) {
    this.#random = random;
    this.#passTimers = passTimers;
    this.ack = random.pick(ackModes);
    this.disk = new SimulatedDisk(random);
  }

  get process(): Process {
    if (this.#process === undefined) throw new Error('BUG: not started');
    return this.#process;
  }

  get coordinator(): Coordinator {
    return this.process.coordinator;
  }

  /** Starts a process on whatever is on the disk. @throws Violation */
  async start(): Promise<void> {
    this.#stamped.length = 0;
    this.hasFailed = false;
    this.reasons.clear();
    try {
      this.#process = await this.#open();
    } catch (error) {
      throw new Violation(`cannot start: ${messageOf(error)}`, { cause: error });
    }
    this.coordinator.flusher.observe({
      flushed: (flush) => this.messages.acknowledge(flush),
      failed: (error) => {
        this.hasFailed = true;
        this.reasons.add(messageOf(error));
      },
      recovered: () => {
        this.hasFailed = false;
        this.reasons.clear();
      },
    });
  }

  async #open(): Promise<Process> {
    const memory = allocate(workerCount);
    const store = await Store.open(() => this.disk.open());
    const coordinator = await Coordinator.open({
      clock: this.clock,
      ring: new RingReader(memory),
      workerCount,
      store,
      anchor: this.disk.anchor,
      journals: this.disk.journals,
      flush: { flushMs, ack: this.ack },
      node: 'simulated',
      events: {
        clockStepped: () => undefined,
        stalled: () => undefined,
        damaged: (damage) => void this.damages.push(damageMessage(damage)),
      },
    });
    const tally = new Tally(store, () => coordinator.state().messagesLost);
    coordinator.join(tally);
    await coordinator.prepare();
    coordinator.count();
    return { memory, store, coordinator, tally };
  }

  /** A worker gets messages. */
  send(): void {
    const worker = this.#random.between(0, workerCount - 1);
    const times = this.#random.between(1, 50);
    for (let time = 0; time < times; time++) this.#add(worker, this.clock.wallMs);
    if (this.#random.chance(0.7)) askForFlush(controlOf(this.process.memory));
    this.note(`worker ${worker} adds ${times}`);
  }

  /** A worker gets a message and reads the clock, but does not add it yet. */
  stamp(): void {
    const worker = this.#random.between(0, workerCount - 1);
    this.#stamped.push({ worker, wallMs: this.clock.wallMs });
    this.note(`worker ${worker} reads the clock`);
  }

  addStamped(): void {
    const late = this.#stamped.shift();
    if (late === undefined) return;
    this.#add(late.worker, late.wallMs);
    this.note(`worker ${late.worker} adds late`);
  }

  #add(worker: number, wallMs: number): void {
    addMessage(stripeOf(this.process.memory, worker), wallMs);
    this.#sent(`minute ${alignDown(this.clock.wallMs, min.windowMs)}`, 1);
  }

  /** The followed log has new lines, of some time in the last two minutes. */
  follow(): void {
    if (!this.coordinator.hasRoom) return;
    const lines = this.#random.between(1, 50);
    const agoMs = this.#random.below(2 * min.windowMs);
    this.coordinator.add(this.clock.wallMs - agoMs, lines, this.#random.chance(0.3));
    this.#sent('lines', lines);
    this.note(`the log has ${lines} lines of ${agoMs} ms ago`);
  }

  #sent(row: string, messages: number): void {
    const { memory, tally } = this.process;
    tally.add(row, messages);
    this.messages.send(messages, collectingFlush(controlOf(memory)));
  }

  /** Lets time pass in beats, so that the ring is swept in time. */
  async pass(ms: number): Promise<void> {
    const sentBefore = this.messages.sent;
    for (let left = ms; left > 0; ) {
      const beatMs = Math.min(left, ms > secondMs ? reachMs / 3 : flushMs);
      await this.beat(beatMs);
      left -= beatMs;
    }
    if (ms >= 2 * flushMs && !this.hasFailed && !this.disk.failing)
      this.messages.flushedByNow = sentBefore;
    this.note(`${ms} ms pass`);
  }

  /** Time passes, and then the server does what is due. */
  async beat(ms: number): Promise<void> {
    this.#passTime(ms);
    void this.coordinator.flusher.beat();
    await settle();
  }

  #passTime(ms: number): void {
    this.clock.pass(ms);
    this.#passTimers(ms);
  }

  stepClock(ms: number): void {
    this.clock.step(ms);
    this.note(`the clock steps by ${ms} ms`);
  }

  trouble(what: Trouble): void {
    this.disk.trouble(what);
    this.note(`disk: ${what}`);
  }

  endTrouble(): void {
    this.disk.databaseIsSlow = false;
    this.trouble('heal');
    this.trouble('release');
  }

  /**
   * Stops the process. Returns whether it wrote everything.
   * @param meanwhile called as time passes, with the ms since the stop began
   * @throws Violation if it does not end
   */
  async stop(meanwhile: (ms: number) => void = () => undefined): Promise<boolean> {
    this.note('a stop');
    const ended: boolean[] = [];
    void this.#stop().then(
      () => ended.push(true),
      () => ended.push(false),
    );
    for (let ms = 0; ; ms += flushMs) {
      await settle();
      if (ended[0] !== undefined) return ended[0];
      if (ms > stopsWithinMs) throw new Violation(`a stop has not ended after ${ms} ms`);
      meanwhile(ms);
      await settle();
      this.#passTime(flushMs);
    }
  }

  async #stop(): Promise<void> {
    await this.coordinator.flusher.pause();
    await this.coordinator.stop();
    await this.process.store.close();
  }

  note(what: string): void {
    this.log.push(`${new Date(this.clock.wallMs).toISOString()} ${what}`);
  }
}

/** Lets everything continue that needs no time to pass. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
