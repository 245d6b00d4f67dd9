/**
 * The ring: the only file that calls `Atomics`. Workers add, the coordinator sweeps.
 *
 * Counters are cumulative and nobody ever resets one. The sweep remembers what it saw last in each
 * slot; the unsigned 32-bit difference is what is new. So there is no moment between reading and
 * zeroing in which an add could get lost, and an add that comes late, even by minutes, is found by
 * a later sweep exactly once.
 *
 * Ordering: an add is one sequentially consistent read-modify-write, so it is whole before or whole
 * after the load of a sweep. A worker adds before it answers; a sweep that starts after the answer
 * therefore sees the message.
 */
import { ms10 } from '@reto3/core';
import {
  controlOf,
  flushNumberAt,
  slotCount,
  slotMask,
  stripeOf,
  waitingAt,
  workerCountOf,
} from './layout.ts';

/**
 * Counts one message at that wall time, in the worker's own stripe. The hot path: no allocation, no
 * branch.
 */
export function addMessage(stripe: Int32Array<SharedArrayBuffer>, wallMs: number): void {
  Atomics.add(stripe, Math.floor(wallMs / ms10.windowMs) & slotMask, 1);
}

/**
 * The number of the flush that will hold what this worker has added. To be read after the add,
 * because then: add before this load, load of n before n is raised, and the sweep of flush n comes
 * after it was raised. So flush n holds the message.
 */
export function collectingFlush(control: Int32Array<SharedArrayBuffer>): number {
  return Atomics.load(control, flushNumberAt);
}

/**
 * Tells the coordinator that a response waits for the flush that collects now, and wakes it: once,
 * until it has taken notice.
 */
export function askForFlush(control: Int32Array<SharedArrayBuffer>): void {
  if (Atomics.exchange(control, waitingAt, 1) === 0) Atomics.notify(control, waitingAt);
}

/** Receives what a sweep found: `count` (1 to 2³² − 1) new messages of `worker` in `slot`. */
export type SlotSink = (slot: number, count: number, worker: number) => void;

/** 1 KiB: comparing all of a stripe takes 0.7 µs, looking through one that changed 1 µs. */
const segmentSlots = 256;

/** A worker's counters, and what was seen last in each. */
interface Stripe {
  readonly live: Int32Array<SharedArrayBuffer>;
  readonly seen: Int32Array;
  /** The same memory, piece by piece, as bytes. */
  readonly segments: readonly { readonly now: Buffer; readonly before: Buffer }[];
}

/** The coordinator's side: what was seen last in every slot of every stripe. */
export class RingReader {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #stripes: Stripe[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.#control = controlOf(memory);
    for (let worker = 0; worker < workerCountOf(memory); worker++)
      this.#stripes.push(stripeFor(stripeOf(memory, worker)));
  }

  /** Hands every slot that has grown since the last sweep to the sink. Reads the whole ring. */
  sweep(sink: SlotSink): void {
    // A fence: what is read from here on is read after this load, and this load after a flush
    // number that was raised. So the slots may be compared plainly (aligned Int32, never torn):
    // one that seems unchanged had not changed by then.
    Atomics.load(this.#control, flushNumberAt);
    let worker = 0;
    for (const stripe of this.#stripes) sweepStripe(stripe, worker++, sink);
  }

  /**
   * Lets the next flush collect, and returns the number of the one that no longer does. A sweep
   * from now on finds every message whose worker read that number or a lower one.
   */
  raiseFlush(): number {
    return Atomics.add(this.#control, flushNumberAt, 1);
  }

  /** Whether a response has begun to wait since this was last asked. */
  takeAsked(): boolean {
    return Atomics.exchange(this.#control, waitingAt, 0) === 1;
  }

  /** Resolves when a response begins to wait, or waits already. Holds no process open. */
  async asked(): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.#control, waitingAt, 0);
    if (async) await value;
  }
}

function stripeFor(live: Int32Array<SharedArrayBuffer>): Stripe {
  const seen = new Int32Array(slotCount);
  const segments = [];
  const bytes = segmentSlots * Int32Array.BYTES_PER_ELEMENT;
  for (let at = 0; at < live.byteLength; at += bytes)
    segments.push({
      now: Buffer.from(live.buffer, live.byteOffset + at, bytes),
      before: Buffer.from(seen.buffer, at, bytes),
    });
  return { live, seen, segments };
}

/** Compares segments as bytes first: nearly all of a ring is as it was at the last sweep. */
function sweepStripe({ live, seen, segments }: Stripe, worker: number, sink: SlotSink): void {
  let first = -segmentSlots;
  for (const { now, before } of segments) {
    first += segmentSlots;
    if (now.equals(before)) continue;
    for (let slot = first; slot < first + segmentSlots; slot++) {
      if (live[slot] === seen[slot]) continue;
      const value = Atomics.load(live, slot);
      const last = seen[slot] ?? 0;
      seen[slot] = value;
      // Both are Int32 and may have wrapped; the difference modulo 2³² is right either way.
      sink(slot, (value - last) >>> 0, worker);
    }
  }
}
