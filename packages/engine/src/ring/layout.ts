/**
 * The map of the shared memory. Every thread imports this file; no other file knows an offset.
 * docs/format.md draws it.
 *
 *     | control: flush number … waiting … | stripe of worker 0 | stripe of worker 1 | …
 *
 * Slot `s` of a stripe counts the messages of every ms10 window w with w mod slotCount = s. A
 * stripe of its own for each worker means that no two threads ever write one cache line.
 */
import { ms10 } from '@reto3/core';

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
const cacheLineInts = cacheLineBytes / Int32Array.BYTES_PER_ELEMENT;

/** In the control region: the number of the flush that collects now; the coordinator raises it. */
export const flushNumberAt = 0;
/** In the control region: 1 while a response waits for a flush. A line of its own: workers write. */
export const waitingAt = cacheLineInts;
const controlBytes = 2 * cacheLineBytes;
const stripeBytes = slotCount * Int32Array.BYTES_PER_ELEMENT;

if ((slotCount & slotMask) !== 0) throw new Error('BUG: slotCount must be a power of two');
if (stripeBytes % cacheLineBytes !== 0) throw new Error('BUG: stripes must not share a cache line');
if (reachMs <= ms10.blockMs) {
  throw new Error('BUG: the ring must reach back further than one ms10 block');
}

/** Shared memory for that many workers, all counters zero. */
export function allocate(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(controlBytes + workerCount * stripeBytes);
}

/** How many workers the memory was made for. */
export function workerCountOf(memory: SharedArrayBuffer): number {
  return (memory.byteLength - controlBytes) / stripeBytes;
}

/** What workers and coordinator agree by, beside the counters. */
export function controlOf(memory: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(memory, 0, controlBytes / Int32Array.BYTES_PER_ELEMENT);
}

/** The counters of one worker. */
export function stripeOf(memory: SharedArrayBuffer, worker: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(memory, controlBytes + worker * stripeBytes, slotCount);
}
