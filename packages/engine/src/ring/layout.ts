/**
 * The map of the shared memory, drawn in docs/format.md. Every thread imports this file; no other
 * file knows an offset.
 *
 *     | control: flush number … waiting … | stripe of worker 0 | stripe of worker 1 | …
 *
 * Slot `s` of a stripe counts the messages of every ms10 window w with w mod slotCount = s. Each
 * worker has its own stripe, so no two threads write the same cache line.
 */
import { ms10 } from '@reto3/core';

/**
 * Slots in a stripe: 8,192 × 10 ms = 81.92 s, 32 KiB per worker. A power of two, so that a mask
 * finds the slot.
 */
export const slotCount = 8_192;
export const slotMask = slotCount - 1;

/**
 * How many windows ahead of the coordinator's clock a slot may be, since workers read the clock
 * later than the coordinator. A slot further ahead holds an old window. 1,024 windows = 10.24 s,
 * which leaves 71.68 s for late workers.
 */
export const aheadSlots = 1_024;

/** How late an add or a sweep may be before the window of a message is ambiguous: 71.68 s. */
export const reachMs = (slotCount - aheadSlots) * ms10.windowMs;

const cacheLineBytes = 64;
const cacheLineInts = cacheLineBytes / Int32Array.BYTES_PER_ELEMENT;

/** Index in the control region: the number of the collecting flush; the coordinator raises it. */
export const flushNumberAt = 0;
/**
 * Index in the control region: 1 while a response waits for a flush. Workers write it, so it has a
 * cache line of its own.
 */
export const waitingAt = cacheLineInts;
const controlBytes = 2 * cacheLineBytes;
const stripeBytes = slotCount * Int32Array.BYTES_PER_ELEMENT;

if ((slotCount & slotMask) !== 0) throw new Error('BUG: slotCount must be a power of two');
if (stripeBytes % cacheLineBytes !== 0) throw new Error('BUG: stripes must not share a cache line');
if (reachMs <= ms10.blockMs) {
  throw new Error('BUG: the ring must reach back further than one ms10 block');
}

/** Allocates the memory for `workerCount` workers, with all counters 0. */
export function allocate(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(controlBytes + workerCount * stripeBytes);
}

/** How many workers the memory was allocated for. */
export function workerCountOf(memory: SharedArrayBuffer): number {
  return (memory.byteLength - controlBytes) / stripeBytes;
}

/** The flush number and the waiting flag, beside the counters. */
export function controlOf(memory: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(memory, 0, controlBytes / Int32Array.BYTES_PER_ELEMENT);
}

/** The counters of one worker, numbered from 0. */
export function stripeOf(memory: SharedArrayBuffer, worker: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(memory, controlBytes + worker * stripeBytes, slotCount);
}
