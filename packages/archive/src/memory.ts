/**
 * The map of the shared memory between ingest workers and the archive's thread. Every thread
 * imports this file; docs/format.md draws it.
 *
 *     worker 0: | control | flush numbers | slot 0 | slot 1 | … | worker 1: …
 *
 * A slot holds a batch as it goes to the disk. The worker fills slots in turn, the archive's thread
 * takes them in turn: neither ever writes what the other is using, and no message is copied twice.
 */
import { type Bytes, batchHeaderBytes, bytesOver } from './batch.ts';

/**
 * A slot is as large as the largest message (64 KiB of body, three texts) twice over, so that none
 * is ever refused for its size.
 */
export const slotBytes = 256 << 10;
/**
 * 16 MiB a worker: at 50,000 messages/s of 54 bytes, six seconds in which the archive's thread may
 * stand still without a message being dropped.
 */
export const slotCount = 64;

const cacheLineInts = 16;
/** Written by the worker: slots handed over, messages put into slots, messages dropped. */
export const handedOverAt = 0;
export const acceptedAt = 1;
export const droppedAt = 2;
/** Written by the archive's thread, in a line of its own: slots that may be filled again, and what they held. */
export const takenAt = cacheLineInts;
export const takenMessagesAt = cacheLineInts + 1;
const controlInts = 2 * cacheLineInts;
const headBytes = (controlInts + slotCount) * Int32Array.BYTES_PER_ELEMENT;
const workerBytes = headBytes + slotCount * slotBytes;

if ((slotCount & (slotCount - 1)) !== 0) throw new Error('BUG: slotCount must be a power of two');
if (slotBytes < batchHeaderBytes + 2 * (64 << 10))
  throw new Error('BUG: a slot must hold the largest message');

/** The part of the memory that one worker shares with the archive's thread. */
export interface WorkerMemory {
  readonly control: Int32Array<SharedArrayBuffer>;
  /** For each slot: the number of the flush that will hold its messages. */
  readonly flushes: Int32Array<SharedArrayBuffer>;
  readonly slots: readonly Bytes[];
}

export function allocateBatches(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workerCount * workerBytes);
}

export function workerCountIn(memory: SharedArrayBuffer): number {
  return memory.byteLength / workerBytes;
}

export function workerMemoryOf(memory: SharedArrayBuffer, worker: number): WorkerMemory {
  const at = worker * workerBytes;
  const flushesAt = at + controlInts * Int32Array.BYTES_PER_ELEMENT;
  return {
    control: new Int32Array(memory, at, controlInts),
    flushes: new Int32Array(memory, flushesAt, slotCount),
    slots: Array.from({ length: slotCount }, (_, slot) =>
      bytesOver(memory, at + headBytes + slot * slotBytes, slotBytes),
    ),
  };
}
