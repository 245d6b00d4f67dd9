/**
 * The map of the memory that ingest workers and the archive's thread share. docs/format.md has a
 * drawing.
 *
 *     worker 0: | control | flush numbers | slot 0 | slot 1 | … | worker 1: …
 *
 * A slot holds a batch in the form that goes to disk. The worker fills slots in order and the
 * archive's thread takes them in order; neither writes a slot that the other is using.
 */
import { type Bytes, batchHeaderBytes, bytesOver } from './batch.ts';

/**
 * More than twice the largest message (64 KiB of body, three texts), so none is dropped for its
 * size.
 */
export const slotBytes = 256 << 10;
/**
 * 16 MiB per worker: at 50,000 messages/s of 54 bytes, the archive's thread may stall for six seconds
 * before a message is dropped.
 */
export const slotCount = 64;

const cacheLineInts = 16;
/** Written by the worker: slots handed over, messages put into slots, messages dropped. */
export const handedOverAt = 0;
export const acceptedAt = 1;
export const droppedAt = 2;
/** Written by the archive's thread, on a cache line of its own: slots and messages taken. */
export const takenAt = cacheLineInts;
export const takenMessagesAt = cacheLineInts + 1;
const controlInts = 2 * cacheLineInts;
const headBytes = (controlInts + slotCount) * Int32Array.BYTES_PER_ELEMENT;
const workerBytes = headBytes + slotCount * slotBytes;

if ((slotCount & (slotCount - 1)) !== 0) throw new Error('BUG: slotCount must be a power of two');
if (slotBytes < batchHeaderBytes + 2 * (64 << 10))
  throw new Error('BUG: a slot must hold the largest message');

/** The memory that one worker shares with the archive's thread. */
export interface WorkerMemory {
  readonly control: Int32Array<SharedArrayBuffer>;
  /** For each slot, the number of the flush that will have its messages. */
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
