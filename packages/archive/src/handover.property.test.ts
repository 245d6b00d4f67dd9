import { allocate, controlOf, RingReader } from '@reto3/engine/ring';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchAt, messagesOf, sealBatch } from './batch.ts';
import { BatchCounts, BatchReader, BatchWriter } from './handover.ts';
import { hourMs } from './layout.ts';
import { allocateBatches, slotBytes, slotCount } from './memory.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const largeBody = new Uint8Array(64 << 10);

function setUp(workerCount = 1) {
  const ringMemory = allocate(workerCount);
  const memory = allocateBatches(workerCount);
  const writers = Array.from(
    { length: workerCount },
    (_, worker) => new BatchWriter(memory, worker, controlOf(ringMemory)),
  );
  return {
    writers,
    ring: new RingReader(ringMemory),
    readers: BatchReader.of(memory),
    counts: new BatchCounts(memory),
  };
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ add: fc.nat(1), afterMs: fc.integer({ min: -10, max: 10 }) }),
  },
  fc.record({ handOver: fc.nat(1) }),
  fc.constant({ flush: true }),
  fc.constant({ hours: 1 }),
);

describe('batches from workers to the archive', () => {
  it('have the hour of their messages, even after a message that fits into no slot', () => {
    const { writers, ring, readers, counts } = setUp();
    const [writer, reader] = [writers[0], readers[0]];
    writer?.add(hour, 'GET', '/'.repeat(slotBytes), '', new Uint8Array(0), 0);
    writer?.add(hour + hourMs, 'GET', '/', '', new Uint8Array(0), 0);
    writer?.handOver();
    expect(reader?.heldBy(ring.raiseFlush())).toMatchObject([{ hour: hour + hourMs, count: 1 }]);
    expect(counts.read()).toEqual({ accepted: 1, dropped: 1 });
  });

  it('have every accepted message once, in order, under a flush that has it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { writers, ring, readers, counts } = setUp(2);
        let now = hour;
        let number = 0;
        /** By worker: the messages added, and the number of the flush that has them. */
        const added: { path: string; flush: number; arrivedMs: number }[][] = [[], []];
        const got: { path: string; arrivedMs: number }[][] = [[], []];
        let flush = 0;
        const take = (): void => {
          const held = ring.raiseFlush();
          flush = held + 1;
          for (const [worker, reader] of readers.entries()) {
            const batches = reader.heldBy(held);
            for (const batch of batches) {
              sealBatch(batch, batch.length, 1);
              const decoded = batchAt(Buffer.from(batch.buffer.subarray(0, batch.length)), 0);
              if (decoded === undefined) throw new Error('no whole batch');
              expect(decoded.worker).toBe(worker);
              for (const { path, arrivedMs } of messagesOf(decoded)) {
                got[worker]?.push({ path, arrivedMs });
                expect(Math.floor(arrivedMs / hourMs) * hourMs).toBe(decoded.hour);
              }
            }
            reader.release(batches);
          }
        };
        const sums = (lists: readonly (readonly unknown[])[]) => lists.map((list) => list.length);
        let mark = { accepted: counts.accepted(), added: sums(added) };
        for (const each of steps) {
          if ('add' in each) {
            now += each.afterMs;
            const path = `/${number++}`;
            added[each.add]?.push({ path, flush, arrivedMs: now });
            writers[each.add]?.add(now, 'POST', path, '', largeBody.subarray(0, 100), 100);
          } else if ('handOver' in each) writers[each.handOver]?.handOver();
          else if ('hours' in each) now += hourMs;
          else take();
          const taken = mark.added.every((count, worker) => (got[worker]?.length ?? 0) >= count);
          expect(counts.tookAll(mark.accepted)).toBe(taken);
          if (taken) mark = { accepted: counts.accepted(), added: sums(added) };
        }
        for (const writer of writers) writer.handOver();
        take();
        for (const worker of [0, 1])
          expect(got[worker]).toEqual(
            added[worker]?.map(({ path, arrivedMs }) => ({ path, arrivedMs })),
          );
        expect(counts.read()).toEqual({ accepted: number, dropped: 0 });
      }),
    );
  });

  it('are not released before the flush that has them', () => {
    const { writers, ring, readers } = setUp();
    const before = ring.raiseFlush();
    writers[0]?.add(hour, 'POST', '/', '', largeBody, 1);
    writers[0]?.handOver();
    expect(readers[0]?.heldBy(before)).toHaveLength(0);
    expect(readers[0]?.heldBy(ring.raiseFlush())).toHaveLength(1);
  });

  it('are dropped and counted while the thread stalls, and accepted again afterwards', () => {
    const { writers, ring, readers, counts } = setUp();
    const [writer] = writers;
    const perSlot = Math.floor(slotBytes / (largeBody.length + 100));
    const room = perSlot * slotCount;
    const sent = room + 1_000;
    for (let index = 0; index < sent; index++) writer?.add(hour, 'POST', '/', '', largeBody, 1);
    expect(counts.read()).toEqual({ accepted: room, dropped: 1_000 });

    const batches = readers[0]?.heldBy(ring.raiseFlush()) ?? [];
    expect(batches.length).toBe(slotCount);
    readers[0]?.release(batches);
    for (let index = 0; index < 50; index++) writer?.add(hour, 'POST', '/', '', largeBody, 1);
    expect(counts.read()).toEqual({ accepted: room + 50, dropped: 1_000 });
  });
});
