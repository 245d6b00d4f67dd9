/**
 * The ring: the only file that calls `Atomics`. Workers add, the coordinator sweeps.
 *
 * Counters are cumulative and never reset. A sweep remembers the value of each slot; the unsigned
 * 32-bit difference to the next value is new. So no add can get lost between reading and zeroing,
 * and a later sweep finds a late add, even one that is a minute late, exactly once.
 *
 * Ordering: an add is one sequentially consistent read-modify-write, so a sweep's load comes
 * entirely before or after it. A worker adds before it answers, so a sweep that starts after the
 * answer sees the message.
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
 * Counts one message at `wallMs` (epoch ms) in the worker's own stripe. The hot path: no
 * allocation, no branch.
 */
export function addMessage(stripe: Int32Array<SharedArrayBuffer>, wallMs: number): void {
  Atomics.add(stripe, Math.floor(wallMs / ms10.windowMs) & slotMask, 1);
}

/**
 * The number of the flush that will contain everything this worker has added. Call it after the
 * add: the add precedes this load, the load of n precedes the raise of n, and flush n sweeps after
 * the raise. So flush n contains the message.
 */
export function collectingFlush(control: Int32Array<SharedArrayBuffer>): number {
  return Atomics.load(control, flushNumberAt);
}

/**
 * Requests the collecting flush, for a response that waits for it. Wakes the coordinator unless an
 * earlier request is still pending.
 */
export function askForFlush(control: Int32Array<SharedArrayBuffer>): void {
  if (Atomics.exchange(control, waitingAt, 1) === 0) Atomics.notify(control, waitingAt);
}

/** Receives what a sweep found: `count` (1 to 2³² − 1) new messages of `worker` in `slot`. */
export type SlotSink = (slot: number, count: number, worker: number) => void;

/** 1 KiB: comparing a whole stripe takes 0.7 µs, scanning one changed segment 1 µs. */
const segmentSlots = 256;

/** A worker's counters, and the last value seen of each. */
interface Stripe {
  readonly live: Int32Array<SharedArrayBuffer>;
  readonly seen: Int32Array;
  /** The same memory as bytes, segment by segment. */
  readonly segments: readonly { readonly now: Buffer; readonly before: Buffer }[];
}

/** The coordinator's side: remembers the last value of every slot of every stripe. */
export class RingReader {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #stripes: Stripe[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.#control = controlOf(memory);
    for (let worker = 0; worker < workerCountOf(memory); worker++)
      this.#stripes.push(stripeFor(stripeOf(memory, worker)));
  }

  /** Passes every slot that has grown since the last sweep to the sink. Reads the whole ring. */
  sweep(sink: SlotSink): void {
    // A fence: everything below is read after this load, which follows the raise of the flush
    // number. So plain comparison is enough (an aligned Int32 is never torn): a slot that looks
    // unchanged had not changed by then.
    Atomics.load(this.#control, flushNumberAt);
    let worker = 0;
    for (const stripe of this.#stripes) sweepStripe(stripe, worker++, sink);
  }

  /**
   * Raises the flush number and returns the old one. Every later sweep finds all messages whose
   * worker read the old number or a lower one.
   */
  raiseFlush(): number {
    return Atomics.add(this.#control, flushNumberAt, 1);
  }

  /** Whether a flush was requested since the last call of `takeFlushRequest`. */
  get hasFlushRequest(): boolean {
    return Atomics.load(this.#control, waitingAt) === 1;
  }

  /** Whether a flush was requested since the last call. */
  takeFlushRequest(): boolean {
    return Atomics.exchange(this.#control, waitingAt, 0) === 1;
  }

  /** Resolves once a flush is requested. Does not keep the process alive. */
  async flushRequested(): Promise<void> {
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

/** Compares segments as bytes first: nearly all of a ring is unchanged since the last sweep. */
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
      // Both are Int32 and may have wrapped; the difference modulo 2³² is right all the same.
      sink(slot, (value - last) >>> 0, worker);
    }
  }
}
