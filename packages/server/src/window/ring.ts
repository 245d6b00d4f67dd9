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
import { ms10 } from '../period.ts';
import { slotCount, slotMask, stripeOf, workerCountOf } from './layout.ts';

/**
 * Counts one message at that wall time, in the worker's own stripe. The hot path: no allocation, no
 * branch.
 */
export function addMessage(stripe: Int32Array<SharedArrayBuffer>, wallMs: number): void {
  Atomics.add(stripe, Math.floor(wallMs / ms10.windowMs) & slotMask, 1);
}

/** Receives what a sweep found: `count` (1 to 2³² − 1) new messages of `worker` in `slot`. */
export type SlotSink = (slot: number, count: number, worker: number) => void;

/** The coordinator's side: what was seen last in every slot of every stripe. */
export class RingReader {
  readonly #stripes: Int32Array<SharedArrayBuffer>[] = [];
  readonly #seen: Int32Array[] = [];

  constructor(memory: SharedArrayBuffer) {
    for (let worker = 0; worker < workerCountOf(memory); worker++) {
      this.#stripes.push(stripeOf(memory, worker));
      this.#seen.push(new Int32Array(slotCount));
    }
  }

  /** Hands every slot that has grown since the last sweep to the sink. Reads the whole ring. */
  sweep(sink: SlotSink): void {
    for (const [worker, stripe] of this.#stripes.entries()) {
      const seen = this.#seen[worker];
      if (seen === undefined) throw new Error('BUG: a stripe without its memory of the last sweep');
      for (let slot = 0; slot < slotCount; slot++) {
        const now = Atomics.load(stripe, slot);
        const before = seen[slot];
        if (before === undefined || now === before) continue;
        seen[slot] = now;
        // Both are Int32 and may have wrapped; the difference modulo 2³² is right either way.
        sink(slot, (now - before) >>> 0, worker);
      }
    }
  }
}
