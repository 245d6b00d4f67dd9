/**
 * A server in virtual time: workers, ring, coordinator, flusher and a failing disk. One seed
 * decides every step. The model is a few numbers: messages sent, acknowledged and flushed.
 *
 * Promises checked, whatever happens in whatever order:
 * - while the server lives, a reader sees every message once, in all three periods;
 * - a restart finds at least the messages acknowledged as durable, and at most those sent;
 * - a killed server leaves everything that it had flushed, even while an fsync hangs;
 * - a clean stop loses nothing;
 * - once the disk works again, everything is written within seconds;
 * - no crash makes the store look damaged.
 */

import { type Ack, ackModes, min, ms10, type Period, periods, totalOf } from '@reto3/core';
import { Random, VirtualClock } from '@reto3/core/testing';
import { Coordinator } from '../coordinator/coordinator.ts';
import { readChunks } from '../query/chunks.ts';
import { allocate, controlOf, reachMs, stripeOf } from '../ring/layout.ts';
import { addMessage, askForFlush, collectingFlush, RingReader } from '../ring/ring.ts';
import { allTime, Store } from '../store/store.ts';
import { SimulatedDisk, type Trouble } from './disk.ts';

const workerCount = 2;
const flushMs = 100;
const secondMs = 1_000;
/** The ring reaches back 71 s, so twice this is out of its reach. */
const longMs = 70_000;
/** A minute is closed within this time of its end, and the flusher waits longer for a slow disk. */
const closedWithinSeconds = 6;
/** Memory keeps six hours of counts while the disk fails. */
const hoursOfFailure = 6.1;
/** Six hours, and the minutes that the ring reaches back and ahead. */
const maxMinutesHeld = 365;
// Shortly before midnight, so that a minute, an hour and a day end.
const startMs = Date.UTC(2016, 4, 28, 23, 58, 30);

/** A broken promise. */
class Violation extends Error {
  override readonly name = 'Violation';
}

/** A worker that has read the clock but not yet added its message. */
interface Stamped {
  readonly worker: number;
  readonly wallMs: number;
}

export class Simulation {
  readonly #random: Random;
  readonly #ack: Ack;
  readonly #clock = new VirtualClock(startMs);
  readonly #disk: SimulatedDisk;
  readonly #log: string[] = [];
  #memory = allocate(workerCount);
  #coordinator: Coordinator | undefined;
  #store: Store | undefined;

  /** Messages that the server found at its start, and those sent since. */
  #sent = 0;
  /** Messages acknowledged as durable, which must never be lost. */
  #acknowledged = 0;
  /** Messages that must be flushed by now in memory mode, however slow the disk is. */
  #flushedByNow = 0;
  /** Whether a write or sync failed and memory has not been rewritten yet. */
  #failed = false;
  /** Flush number → messages that wait for it. */
  readonly #waiting = new Map<number, number>();
  readonly #stamped: Stamped[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#ack = this.#random.pick(ackModes);
    this.#disk = new SimulatedDisk(this.#random);
  }

  /** The steps so far, to debug a failing seed. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Runs random steps, stops cleanly, starts again and checks. @throws Violation */
  async run(steps: number): Promise<void> {
    await this.#start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await settle();
    }
    this.#disk.heal();
    await this.#restart();
    await this.#check('at the end');
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.3) this.#send();
    else if (dice < 0.36) this.#stamp();
    else if (dice < 0.41) this.#addStamped();
    else if (dice < 0.68) await this.#pass();
    else if (dice < 0.72) this.#stepClock();
    else if (dice < 0.84) this.#toggleDisk();
    else if (dice < 0.88) await this.#check('while it runs');
    else if (dice < 0.91) await this.#expectRecovery();
    else if (dice < 0.92) await this.#restart();
    else if (dice < 0.9235) await this.#hangThenFail();
    else if (dice < 0.927) await this.#stepBackWhileAway();
    else if (dice < 0.92705) await this.#failForHours();
    else if (dice < 0.935) await this.#crashInCheckpoint();
    else await this.#crash();
  }

  #send(): void {
    const worker = this.#random.between(0, workerCount - 1);
    const times = this.#random.between(1, 50);
    for (let time = 0; time < times; time++) this.#add(worker, this.#clock.wallMs);
    if (this.#random.chance(0.7)) askForFlush(controlOf(this.#memory));
    this.#note(`worker ${worker} adds ${times}`);
  }

  #stamp(): void {
    const worker = this.#random.between(0, workerCount - 1);
    this.#stamped.push({ worker, wallMs: this.#clock.wallMs });
    this.#note(`worker ${worker} reads the clock`);
  }

  #addStamped(): void {
    const late = this.#stamped.shift();
    if (late === undefined) return;
    this.#add(late.worker, late.wallMs);
    this.#note(`worker ${late.worker} adds late`);
  }

  #add(worker: number, wallMs: number): void {
    addMessage(stripeOf(this.#memory, worker), wallMs);
    const flush = collectingFlush(controlOf(this.#memory));
    this.#waiting.set(flush, (this.#waiting.get(flush) ?? 0) + 1);
    this.#sent++;
  }

  /** Lets time pass in beats, so that the ring is swept in time. */
  async #pass(ms = this.#random.pick([10, 50, 100, 100, 200, 300, 5_000, longMs])): Promise<void> {
    const sentBefore = this.#sent;
    let left = ms;
    while (left > 0) {
      const beatMs = Math.min(left, ms > secondMs ? reachMs / 3 : flushMs);
      this.#clock.pass(beatMs);
      left -= beatMs;
      void this.#coordinator?.flusher.beat();
      await settle();
    }
    if (ms >= 2 * flushMs && !this.#failed && !this.#disk.failing) this.#flushedByNow = sentBefore;
    this.#note(`${ms} ms pass`);
  }

  #stepClock(): void {
    const ms = this.#random.pick([-3_600_000, -200_000, -1_000, -50, 50, 1_000, 90_000, 200_000]);
    this.#clock.step(ms);
    this.#note(`the clock steps by ${ms} ms`);
  }

  #toggleDisk(): void {
    const what = this.#random.pick<Trouble>([
      'fail',
      'fail',
      'heal',
      'slow',
      'slow',
      'release',
      'fail one sync',
    ]);
    this.#disk.trouble(what);
    this.#note(`disk: ${what}`);
  }

  async #crash(): Promise<void> {
    const power = this.#random.chance(0.5);
    const written = this.#failed ? 0 : this.#written();
    if (this.#ack === 'memory' && !this.#failed && written < this.#flushedByNow) {
      this.#violated(`only ${written} are flushed, want at least ${this.#flushedByNow}`);
    }
    if (power) this.#disk.cutPower();
    else this.#disk.kill();
    this.#disk.heal();
    this.#note(power ? 'the power fails' : 'the process is killed');
    // What a killed process wrote survives; a power cut loses unsynced writes.
    const atLeast = power ? this.#acknowledged : Math.max(this.#acknowledged, written);
    const atMost = this.#sent;
    await this.#start();
    const found = await this.#total(ms10);
    if (found < atLeast) this.#violated(`found ${found} after a crash, want at least ${atLeast}`);
    if (found > atMost) this.#violated(`found ${found} after a crash, only ${atMost} sent`);
    this.#sent = found;
    this.#acknowledged = found;
    this.#flushedByNow = found;
  }

  /** An fsync hangs until minutes are closed and out of the ring's reach, and then fails. */
  async #hangThenFail(): Promise<void> {
    this.#send();
    this.#disk.slow = true;
    this.#note('the disk hangs');
    for (let time = 0; time < 3; time++) await this.#pass(longMs);
    this.#disk.failNextSync();
    this.#disk.slow = false;
    this.#disk.release();
    this.#note('and its fsync fails');
    await settle();
    await this.#expectRecovery();
    await this.#check('after an fsync that failed late');
  }

  /** A crash between the start of a new journal and the end of the batch that names it. */
  async #crashInCheckpoint(): Promise<void> {
    await this.#pass(min.windowMs - (this.#clock.wallMs % min.windowMs));
    this.#disk.databaseIsSlow = true;
    this.#note('the database hangs');
    for (let second = 0; second < closedWithinSeconds; second++) {
      this.#send();
      await this.#pass(secondMs);
    }
    await this.#crash();
  }

  /** The clock steps back into a stored minute while the store cannot be read. */
  async #stepBackWhileAway(): Promise<void> {
    this.#send();
    for (let time = 0; time < 3; time++) await this.#pass(longMs);
    this.#disk.fail();
    this.#note('the disk fails');
    await this.#pass(secondMs);
    await this.#pass(secondMs);
    this.#clock.step(-3 * longMs);
    this.#note('the clock steps back by as much');
    this.#send();
    await this.#pass(secondMs);
    await this.#expectRecovery();
    await this.#check('after the store came back');
  }

  /**
   * The disk fails for longer than memory keeps counts: the server gives up some, and counts them.
   */
  async #failForHours(): Promise<void> {
    this.#disk.fail();
    this.#note('the disk fails for hours');
    const lostBefore = this.#lost();
    for (let minute = 0; minute < hoursOfFailure * 60; minute++) {
      if (minute % 30 === 0) this.#send();
      this.#clock.pass(60_000);
      await this.#coordinator?.flusher.beat();
    }
    const minutes = [...(this.#coordinator?.minutesInMemory() ?? [])].length;
    if (minutes > maxMinutesHeld) this.#violated(`${minutes} minutes are in memory`);
    await this.#expectRecovery();
    const lost = this.#lost() - lostBefore;
    this.#note(`${lost} messages were given up`);
    this.#sent -= lost;
    this.#acknowledged = Math.min(this.#acknowledged, this.#sent);
    this.#flushedByNow = Math.min(this.#flushedByNow, this.#sent);
    await this.#check('after hours of failure');
    await this.#restart();
  }

  #lost(): number {
    return this.#coordinator?.state().messagesLost ?? 0;
  }

  /** Heals the disk; everything must be written and acknowledged within seconds. */
  async #expectRecovery(): Promise<void> {
    this.#disk.heal();
    this.#disk.slow = false;
    this.#disk.release();
    this.#note('the disk works');
    for (let beat = 0; beat < 15; beat++) {
      await settle();
      this.#clock.pass(3 * flushMs);
      await this.#coordinator?.flusher.beat();
    }
    const unsaved = this.#coordinator?.state().messagesUnsaved;
    if (unsaved !== 0) this.#violated(`the disk works, and ${unsaved} messages are not written`);
    if (this.#ack === 'durable' && this.#acknowledged !== this.#sent) {
      this.#violated(`the disk works, and ${this.#acknowledged} of ${this.#sent} are acknowledged`);
    }
  }

  /** The messages in successful writes. */
  #written(): number {
    const state = this.#coordinator?.state();
    return state === undefined ? 0 : state.messagesInAll - state.messagesUnsaved;
  }

  async #restart(): Promise<void> {
    this.#disk.slow = false;
    this.#disk.release();
    if (this.#disk.failing) return;
    await settle();
    this.#note('a clean stop');
    await this.#coordinator?.flusher.pause();
    await this.#coordinator?.stop();
    await this.#store?.close();
    const sent = this.#sent;
    await this.#start();
    const found = await this.#total(ms10);
    if (found !== sent) this.#violated(`found ${found} after a clean stop, want ${sent}`);
    this.#acknowledged = sent;
    this.#flushedByNow = sent;
  }

  async #start(): Promise<void> {
    this.#stamped.length = 0;
    this.#waiting.clear();
    this.#failed = false;
    this.#memory = allocate(workerCount);
    try {
      this.#store = await Store.open(() => this.#disk.open());
      this.#coordinator = await Coordinator.open({
        clock: this.#clock,
        ring: new RingReader(this.#memory),
        workerCount,
        store: this.#store,
        anchor: this.#disk.anchor,
        journals: this.#disk.journals,
        flush: { flushMs, ack: this.#ack },
        node: 'simulated',
        events: {
          clockStepped: () => undefined,
          stalled: () => undefined,
          damaged: () => undefined,
        },
      });
      await this.#coordinator.prepare();
      this.#coordinator.count();
    } catch (error) {
      this.#violated(`cannot start: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#coordinator.flusher.observe({
      flushed: (flush) => this.#acknowledge(flush),
      failed: () => {
        this.#failed = true;
      },
      recovered: () => {
        this.#failed = false;
      },
    });
  }

  #acknowledge(flush: number): void {
    for (const [number, messages] of this.#waiting) {
      if (number > flush) continue;
      this.#acknowledged += messages;
      this.#waiting.delete(number);
    }
  }

  /** Reads all periods and compares their sums with the messages sent. */
  async #check(when: string): Promise<void> {
    if (this.#disk.failing || this.#disk.slow) return;
    let total: number;
    try {
      total = await this.#total(ms10);
    } catch (error) {
      // Between a failed write and the next beat, the store may be closed.
      if (error instanceof Error && 'code' in error && error.code === 'RETO3_STORE_FAILING') return;
      throw error;
    }
    if (total !== this.#sent)
      this.#violated(`${when} ms10 adds up to ${total}, want ${this.#sent}`);
    for (const period of [periods.sec, periods.min]) {
      const other = await this.#total(period);
      if (other !== total) {
        this.#violated(`${when} ${period.name} adds up to ${other}, ms10 to ${total}`);
      }
    }
    const state = this.#coordinator?.state();
    if (state?.messagesInAll !== total) {
      this.#violated(`${when} the state says ${state?.messagesInAll} in all, want ${total}`);
    }
    this.#note(`checked ${total}`);
  }

  async #total(period: Period): Promise<number> {
    const view = this.#coordinator?.view();
    if (view === undefined) throw new Error('BUG: not started');
    let total = 0;
    try {
      for await (const { windows } of readChunks(view, period, allTime)) total += totalOf(windows);
    } finally {
      await view.store.close();
    }
    return total;
  }

  #note(what: string): void {
    this.#log.push(`${new Date(this.#clock.wallMs).toISOString()} ${what}`);
  }

  #violated(what: string): never {
    throw new Violation(what);
  }
}

/** Lets everything continue that needs no time to pass. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
