/**
 * The map of the shared memory: where each worker's counters lie. Every thread imports this file;
 * no other file knows an offset. docs/format.md draws it.
 *
 *     | stripe of worker 0 | stripe of worker 1 | …      one Int32 per slot, one stripe per worker
 *
 * Slot `s` of a stripe counts the messages of every ms10 window w with w mod slotCount = s. A
 * stripe of its own for each worker means that no two threads ever write one cache line.
 */
import { ms10 } from '../period.ts';

/**
 * Slots in a stripe. A power of two, so that a mask finds the slot: 8,192 × 10 ms = 81.92 s, 32 KiB
 * a worker.
 */
export const slotCount = 8_192;
export const slotMask = slotCount - 1;

/**
 * How many windows ahead of the coordinator's clock a slot may stand. Workers read the clock a
 * little later than the coordinator did; anything further ahead is an old window. 1,024 windows =
 * 10.24 s, so that a worker may be late by the other 71.68 s.
 */
export const aheadSlots = 1_024;

/** How late a message may be added, or a sweep come, with its window still known: 71.68 s. */
export const reachMs = (slotCount - aheadSlots) * ms10.windowMs;

const cacheLineBytes = 64;

if ((slotCount & slotMask) !== 0) throw new Error('BUG: slotCount must be a power of two');
if ((slotCount * Int32Array.BYTES_PER_ELEMENT) % cacheLineBytes !== 0) {
  throw new Error('BUG: stripes must not share a cache line');
}
if (reachMs <= ms10.blockMs)
  throw new Error('BUG: the ring must reach back further than one ms10 block');

/** Shared memory for that many workers, all counters zero. */
export function allocate(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workerCount * slotCount * Int32Array.BYTES_PER_ELEMENT);
}

/** How many workers the memory was made for. */
export function workerCountOf(memory: SharedArrayBuffer): number {
  return memory.byteLength / (slotCount * Int32Array.BYTES_PER_ELEMENT);
}

/** The counters of one worker. */
export function stripeOf(memory: SharedArrayBuffer, worker: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(memory, worker * slotCount * Int32Array.BYTES_PER_ELEMENT, slotCount);
}
