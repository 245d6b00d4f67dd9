/**
 * Passes batches from a worker to the archive's thread: a ring buffer of slots with one writer and
 * one reader. The only file of the archive that uses `Atomics`.
 *
 * Invariants:
 * - The worker never waits. If no slot is free it counts the message as dropped, so a stalled
 *   thread affects neither counting nor answering.
 * - Every message is counted once, as accepted or as dropped.
 * - A slot carries the number of a flush that has all its messages: they are added to the ring of
 *   counters before that number is read (the engine's ring/ring.ts explains the order).
 */
import { collectingFlush } from '@reto3/engine/ring';
import {
  type Bytes,
  batchHeaderBytes,
  countAt,
  hourAt,
  lengthAt,
  maxMessageBytes,
  workerAt,
  writeMessage,
} from './batch.ts';
import { hourMs } from './layout.ts';
import {
  acceptedAt,
  droppedAt,
  handedOverAt,
  slotBytes,
  slotCount,
  takenAt,
  takenMessagesAt,
  type WorkerMemory,
  workerCountIn,
  workerMemoryOf,
} from './memory.ts';

const slotMask = slotCount - 1;

/** The worker's side. */
export class BatchWriter {
  readonly #memory: WorkerMemory;
  readonly #worker: number;
  /** The control words of the ring of counters. */
  readonly #ringControl: Int32Array<SharedArrayBuffer>;
  /** The slot being filled. */
  #slot: Bytes | undefined;
  #end = 0;
  #count = 0;
  #hour = 0;
  #handedOver = 0;
  #accepted = 0;
  #dropped = 0;

  constructor(
    memory: SharedArrayBuffer,
    worker: number,
    ringControl: Int32Array<SharedArrayBuffer>,
  ) {
    this.#memory = workerMemoryOf(memory, worker);
    this.#worker = worker;
    this.#ringControl = ringControl;
  }

  /** Archives a message that has been added to the ring of counters. Hot path. */
  add(
    arrivedMs: number,
    method: string,
    path: string,
    query: string,
    body: Uint8Array,
    bodyBytes: number,
    host = '',
    client = '',
  ): void {
    const most = maxMessageBytes(method, path, query, body.length, host, client);
    if (
      this.#slot !== undefined &&
      (this.#end + most > slotBytes || arrivedMs < this.#hour || arrivedMs >= this.#hour + hourMs)
    )
      this.handOver();
    // A message that fits into no slot must not start one, because the slot would keep its hour.
    const fits = most <= slotBytes - batchHeaderBytes;
    const slot = fits ? (this.#slot ?? this.#begin(arrivedMs)) : undefined;
    if (slot === undefined) {
      this.#dropped = (this.#dropped + 1) | 0;
      Atomics.store(this.#memory.control, droppedAt, this.#dropped);
      return;
    }
    const intoHourMs = arrivedMs - this.#hour;
    const at = this.#end;
    this.#end = writeMessage(
      slot,
      at,
      intoHourMs,
      method,
      path,
      query,
      body,
      bodyBytes,
      host,
      client,
    );
    this.#count++;
    this.#accepted = (this.#accepted + 1) | 0;
    Atomics.store(this.#memory.control, acceptedAt, this.#accepted);
  }

  /** Hands the current slot over to the archive's thread. */
  handOver(): void {
    const slot = this.#slot;
    if (slot === undefined || this.#count === 0) return;
    const { view } = slot;
    view.setUint32(lengthAt, this.#end, true);
    view.setFloat64(hourAt, this.#hour, true);
    view.setUint32(countAt, this.#count, true);
    view.setUint32(workerAt, this.#worker, true);
    const { control, flushes } = this.#memory;
    flushes[this.#handedOver & slotMask] = collectingFlush(this.#ringControl);
    this.#handedOver = (this.#handedOver + 1) | 0;
    // Stored after the bytes, so that a reader that sees this number sees them too.
    Atomics.store(control, handedOverAt, this.#handedOver);
    this.#slot = undefined;
  }

  #begin(arrivedMs: number): Bytes | undefined {
    const { control, slots } = this.#memory;
    const inUse = (this.#handedOver - Atomics.load(control, takenAt)) | 0;
    if (inUse >= slotCount) return undefined;
    this.#slot = slots[this.#handedOver & slotMask];
    this.#end = batchHeaderBytes;
    this.#count = 0;
    this.#hour = Math.floor(arrivedMs / hourMs) * hourMs;
    return this.#slot;
  }
}

/** A batch that a worker handed over, in shared memory. */
export interface HandedBatch extends Bytes {
  readonly length: number;
  readonly hour: number;
  readonly count: number;
}

/** The archive's side of one worker. */
export class BatchReader {
  readonly #memory: WorkerMemory;
  #taken = 0;
  #takenMessages = 0;

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#memory = workerMemoryOf(memory, worker);
  }

  static of(memory: SharedArrayBuffer): BatchReader[] {
    return Array.from(
      { length: workerCountIn(memory) },
      (_, worker) => new BatchReader(memory, worker),
    );
  }

  /** The oldest batches whose messages are all in this flush or an earlier one. */
  heldBy(flush: number): HandedBatch[] {
    const { control, flushes, slots } = this.#memory;
    const handedOver = Atomics.load(control, handedOverAt);
    const batches: HandedBatch[] = [];
    for (let at = this.#taken; at !== handedOver; at = (at + 1) | 0) {
      // The numbers wrap, so compare the difference.
      if ((((flushes[at & slotMask] ?? 0) - flush) | 0) > 0) break;
      const slot = slots[at & slotMask];
      if (slot === undefined) throw new Error('BUG: no such slot');
      const { buffer, view } = slot;
      batches.push({
        buffer,
        view,
        length: view.getUint32(lengthAt, true),
        hour: view.getFloat64(hourAt, true),
        count: view.getUint32(countAt, true),
      });
    }
    return batches;
  }

  /** Returns the slots of the oldest batches to the worker. */
  release(batches: readonly HandedBatch[]): void {
    const { control } = this.#memory;
    this.#taken = (this.#taken + batches.length) | 0;
    for (const { count } of batches) this.#takenMessages = (this.#takenMessages + count) | 0;
    Atomics.store(control, takenMessagesAt, this.#takenMessages);
    Atomics.store(control, takenAt, this.#taken);
  }
}

/** The number of messages that the workers accepted and dropped since the start. */
export class BatchCounts {
  readonly #controls: readonly Int32Array<SharedArrayBuffer>[];
  readonly #seen: { accepted: number; dropped: number }[];
  #accepted = 0;
  #dropped = 0;

  constructor(memory: SharedArrayBuffer) {
    const workers = Array.from({ length: workerCountIn(memory) }, (_, worker) => worker);
    this.#controls = workers.map((worker) => workerMemoryOf(memory, worker).control);
    this.#seen = workers.map(() => ({ accepted: 0, dropped: 0 }));
  }

  get workerCount(): number {
    return this.#controls.length;
  }

  /** Call it at least once per 2³² messages of a worker, or it misses an overflow. */
  read(): { readonly accepted: number; readonly dropped: number } {
    for (const [worker, control] of this.#controls.entries()) {
      const seen = this.#seen[worker];
      if (seen === undefined) throw new Error('BUG: no such worker');
      const now = {
        accepted: Atomics.load(control, acceptedAt),
        dropped: Atomics.load(control, droppedAt),
      };
      // The counters wrap; their difference modulo 2³² is correct.
      this.#accepted += (now.accepted - seen.accepted) >>> 0;
      this.#dropped += (now.dropped - seen.dropped) >>> 0;
      this.#seen[worker] = now;
    }
    return { accepted: this.#accepted, dropped: this.#dropped };
  }

  /** How many messages each worker has accepted so far, modulo 2³². */
  accepted(): number[] {
    return this.#controls.map((control) => Atomics.load(control, acceptedAt));
  }

  /** Whether the archive's thread has taken these messages; `accepted` is an earlier result. */
  tookAll(accepted: readonly number[]): boolean {
    return this.#controls.every((control, worker) => {
      // A worker's messages are taken in order. The numbers wrap, so compare the difference.
      const ahead = Atomics.load(control, takenMessagesAt) - (accepted[worker] ?? 0);
      return (ahead | 0) >= 0;
    });
  }
}
