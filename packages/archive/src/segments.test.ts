import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { allocate, controlOf, RingReader } from '@reto3/engine/ring';
import { expect, it, onTestFinished } from 'vitest';
import { BatchReader, BatchWriter } from './handover.ts';
import { hourMs } from './layout.ts';
import { allocateBatches, slotBytes, slotCount } from './memory.ts';
import { readSegment } from './segment.ts';
import { fullBytes, Segments } from './segments.ts';

const hour = Date.UTC(2016, 4, 28, 11);

it('segments stay small enough to convert, however many workers catch up at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reto3-segments-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'segments'));
  const workers = 5;
  const [ring, memory] = [allocate(workers), allocateBatches(workers)];
  const body = new Uint8Array(64 << 10);
  const sent = workers * 3 * slotCount;
  for (let worker = 0; worker < workers; worker++) {
    const writer = new BatchWriter(memory, worker, controlOf(ring));
    for (let message = 0; message < 3 * slotCount; message++)
      writer.add(hour, 'POST', '/', '', body, body.length);
    writer.handOver();
  }
  const { monotonicMs } = new VirtualClock(hour + hourMs).read();
  const segments = new Segments(folder, 1);
  const flush = new RingReader(ring).raiseFlush();
  for (const reader of BatchReader.of(memory))
    segments.append(reader.heldBy(flush), 1, monotonicMs);
  segments.sync();
  expect([...segments.open()].reduce((sum, { messages }) => sum + messages, 0)).toBe(sent);
  const closed = segments.close(monotonicMs, true);
  expect(closed.map(({ file }) => file.sequence)).toEqual([1, 2]);
  for (const { bytes } of closed) expect(bytes).toBeLessThan(fullBytes + slotCount * slotBytes);
  const read = closed.map(({ file }) => readSegment(join(folder, file.path)).messages);
  expect(read).toEqual(closed.map(({ messages }) => messages));
  expect(read.reduce((sum, messages) => sum + messages, 0)).toBe(sent);
});
