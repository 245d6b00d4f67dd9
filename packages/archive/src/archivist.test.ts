import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { allocate, controlOf, RingReader } from '@reto3/engine/ring';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Archivist } from './archivist.ts';
import { batchHeaderBytes } from './batch.ts';
import { Catalogue } from './catalogue.ts';
import { Converter } from './convert.ts';
import { listArchive, pathsIn } from './folder.ts';
import { BatchWriter } from './handover.ts';
import { hourMs, parquetPath, segmentPath } from './layout.ts';
import { allocateBatches } from './memory.ts';
import type { ArchiveEvent } from './messages.ts';
import { readArchive } from './reader.ts';
import { readSegment, segmentHeaderBytes } from './segment.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const dayMs = 24 * hourMs;
const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };
const base = mkdtempSync(join(tmpdir(), 'reto3-archivist-'));
afterAll(() => rmSync(base, { recursive: true }));

const filesOf = Object.getOwnPropertyDescriptor(Catalogue.prototype, 'files')?.get ?? (() => []);

let folder = '';
let clock: VirtualClock;
let events: ArchiveEvent[] = [];
let converter: Converter;

beforeAll(() => {
  clock = new VirtualClock(hour + 1_000);
});
beforeEach(async () => {
  folder = mkdtempSync(join(base, 'archive-'));
  clock = new VirtualClock(hour + 1_000);
  events = [];
  converter = await Converter.open(folder);
});

/** Starts one worker and an archivist on the folder. */
function start(options: { writes?: number; maxBytes?: number; maxAgeMs?: number } = {}) {
  const { writes = 0, maxBytes = 1e12, maxAgeMs = Number.POSITIVE_INFINITY } = options;
  const ringMemory = allocate(1);
  const memory = allocateBatches(1);
  const ring = new RingReader(ringMemory);
  const writer = new BatchWriter(memory, 0, controlOf(ringMemory));
  const archivist = new Archivist({
    ...{ memory, folder, writes, clock, converter },
    limits: { maxBytes, maxAgeMs },
    tell: (event) => events.push(event),
  });
  let written = writes;
  const write = (syncedWrites = written + 1): void => {
    written++;
    archivist.stored({ flush: ring.raiseFlush(), write: written, syncedWrites });
  };
  return {
    archivist,
    write,
    /** Messages arrive, and the store writes them. */
    take(count: number, path = '/'): void {
      const body = Buffer.from('value=2016-05-28 11:11:11.012345');
      for (let index = 0; index < count; index++)
        writer.add(clock.wallMs, 'POST', path, 'a=b', body, body.length);
      writer.handOver();
      write();
    },
    add(count: number): void {
      for (let index = 0; index < count; index++)
        writer.add(clock.wallMs, 'POST', '/', '', new Uint8Array(0), 0);
      writer.handOver();
    },
    raise: () => ring.raiseFlush(),
  };
}

async function messagesInArchive(): Promise<number> {
  let messages = 0;
  for await (const batch of readArchive(folder, allTime, 'body')) messages += batch.length;
  return messages;
}

/** The names of the Parquet files. */
function converted(): string[] {
  return listArchive(folder).flatMap(({ kind, path }) => (kind === 'parquet' ? [path] : []));
}

async function settled(archivist: Archivist): Promise<void> {
  await archivist.recount();
}

describe('the archivist', () => {
  it('gives no number for a damaged segment, but one for a torn segment', async () => {
    const { take } = start();
    take(3);
    take(2);
    const path = join(folder, segmentPath(1, hour));
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, -1));
    expect(await messagesInArchive()).toBe(3);
    const flipped = Buffer.from(bytes);
    const at = segmentHeaderBytes + batchHeaderBytes;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    await expect(messagesInArchive()).rejects.toThrow(
      `cannot read the archive: ${path} is damaged at byte ${segmentHeaderBytes} of ${bytes.length}`,
    );
  });

  it('archives what the store has written, and converts it to Parquet', async () => {
    const { archivist, take, write } = start();
    take(3, '/a');
    expect(archivist.status()).toMatchObject({ archived: 3, messages: 3, files: 1 });
    expect(await messagesInArchive()).toBe(3);

    clock.pass(11 * 60_000);
    write();
    await settled(archivist);
    expect(converted()).toEqual(['date=2016-05-28/hour=11/0000000001_3.parquet']);
    expect(readdirSync(join(folder, 'segments'))).toEqual([]);
    const rows = [];
    for await (const batch of readArchive(folder, allTime, 'body'))
      for (let row = 0; row < batch.length; row++)
        rows.push([
          batch.arrivedMs[row],
          ...[batch.worker(row), batch.method(row), batch.path(row), batch.query(row)],
          ...[Buffer.from(batch.body(row)).toString(), batch.bodyBytes(row)],
        ]);
    const body = 'value=2016-05-28 11:11:11.012345';
    expect(rows).toEqual(Array(3).fill([hour + 1_000, 0, 'POST', '/a', 'a=b', body, 32]));
    expect(await archivist.recount()).toEqual({ expected: 3, found: 3 });
  });

  it('does not convert what the store could still lose in a power cut', async () => {
    const { archivist, take, write } = start();
    take(3);
    clock.pass(11 * 60_000);
    write(0);
    await settled(archivist);
    expect(converted()).toEqual([]);
    write();
    await settled(archivist);
    expect(converted()).toHaveLength(1);
  });

  it('writes a file per hour', async () => {
    const { archivist, take } = start();
    take(2);
    clock.pass(hourMs);
    take(3);
    await archivist.stop();
    const held = listArchive(folder).map((file) => [
      file.hour,
      file.messages ?? readSegment(join(folder, file.path)).messages,
    ]);
    expect(held).toEqual([
      [hour, 2],
      [hour + hourMs, 3],
    ]);
  });

  it('cuts off at the next start what the store lost, and a torn tail', async () => {
    const first = start();
    first.take(3);
    first.take(4);
    await first.archivist.stop();
    const path = join(folder, segmentPath(1, hour));
    appendFileSync(path, 'half a batch');
    appendFileSync(join(folder, 'segments', '0000000009.partial'), 'half a file');

    const { archivist } = start({ writes: 1 });
    expect(archivist.status().messages).toBe(3);
    expect(await messagesInArchive()).toBe(3);
    expect(readdirSync(join(folder, 'segments'))).toEqual(['0000000001_2016-05-28T11.segment']);
    expect(events.map(({ text }) => text)).toEqual([
      'cut off an incomplete batch of the archive: 12 bytes',
      'cut off 4 messages of the archive that the store has lost',
    ]);
  });

  it('never counts a segment twice, whatever a crash left of it', async () => {
    const first = start();
    first.take(3);
    await first.archivist.stop();
    const path = join(folder, segmentPath(1, hour));
    const bytes = readSegment(path);
    const [batch] = bytes.batches;
    const second = start({ writes: 1 });
    second.write();
    await settled(second.archivist);
    // As if killed between the last two steps, when both files exist.
    const { segmentHeader } = await import('./segment.ts');
    appendFileSync(path, Buffer.concat([segmentHeader(), batch?.buffer ?? Buffer.alloc(0)]));
    expect(await messagesInArchive()).toBe(3);
    const { archivist } = start({ writes: 2 });
    expect(existsSync(path)).toBe(false);
    expect(archivist.status().messages).toBe(3);
    expect(await messagesInArchive()).toBe(3);
  });

  it('removes a damaged batch from a segment at the next start, and keeps the others', async () => {
    const { take } = start();
    for (let batch = 0; batch < 100; batch++) take(1);
    const path = join(folder, segmentPath(1, hour));
    const bytes = readFileSync(path);
    const batchBytes = (bytes.length - segmentHeaderBytes) / 100;
    const changed = segmentHeaderBytes + 2 * batchBytes + 40;
    bytes[changed] = (bytes[changed] ?? 0) ^ 1;
    writeFileSync(path, bytes);

    const { archivist } = start({ writes: 100 });
    expect(archivist.status().messages).toBe(99);
    expect(await messagesInArchive()).toBe(99);
    expect(events).toEqual([
      { level: 'warn', text: expect.stringContaining(`${batchBytes} bytes of the archive's`) },
    ]);
    const quarantined = join(folder, 'quarantine', '0000000001_2016-05-28T11.segment');
    expect(readFileSync(quarantined)).toEqual(bytes);
    // Nothing is left to report.
    events = [];
    start({ writes: 100 });
    expect(events).toEqual([]);
  });

  it('keeps all batches of a segment whose header is damaged', async () => {
    const { take } = start();
    for (let batch = 0; batch < 10; batch++) take(1);
    const path = join(folder, segmentPath(1, hour));
    const bytes = readFileSync(path);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { archivist } = start({ writes: 10 });
    expect(archivist.status().messages).toBe(10);
    expect(await messagesInArchive()).toBe(10);
    expect(events).toEqual([
      {
        level: 'warn',
        text: expect.stringContaining(`${segmentHeaderBytes} bytes of the archive's`),
      },
    ]);
  });

  it('keeps each damaged state of a segment, once', () => {
    const { take } = start();
    for (let batch = 0; batch < 10; batch++) take(1);
    const path = join(folder, segmentPath(1, hour));
    const quarantined = (): Buffer[] =>
      readdirSync(join(folder, 'quarantine'))
        .sort()
        .map((name) => readFileSync(join(folder, 'quarantine', name)));
    const damage = (): Buffer => {
      const bytes = readFileSync(path);
      const changed = segmentHeaderBytes + batchHeaderBytes;
      bytes[changed] = (bytes[changed] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      return bytes;
    };
    const first = damage();
    start({ writes: 10 });
    const second = damage();
    start({ writes: 10 });
    expect(quarantined()).toEqual([first, second]);
    // A start that is killed before it replaces the segment finds the same damage again.
    writeFileSync(path, second);
    start({ writes: 10 });
    expect(quarantined()).toEqual([first, second]);
    // No batch is intact, so it is moved to quarantine, and its number is free again.
    const third = first.subarray(0, segmentHeaderBytes + (first.length - segmentHeaderBytes) / 10);
    writeFileSync(path, third);
    const next = start({ writes: 10 });
    expect(quarantined()).toEqual([first, second, third]);
    next.take(1);
    const fourth = damage();
    start({ writes: 11 });
    expect(quarantined()).toEqual([first, second, third, fourth]);
    expect(existsSync(path)).toBe(false);
  });

  it('keeps a segment that was damaged before its conversion', async () => {
    const { archivist, take, write } = start();
    for (let batch = 0; batch < 10; batch++) take(1);
    const path = join(folder, segmentPath(1, hour));
    const bytes = readFileSync(path);
    const changed = segmentHeaderBytes + 40;
    bytes[changed] = (bytes[changed] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    clock.pass(hourMs);
    write();
    await settled(archivist);
    expect(await messagesInArchive()).toBe(9);
    expect(events.at(-1)?.text).toMatch(/^cannot read 1 messages of segments\/.*in quarantine$/);
    expect(readdirSync(join(folder, 'quarantine'))).toHaveLength(1);
  });

  it('discards what the store gave up', () => {
    const { archivist, add, raise, write } = start();
    add(5);
    archivist.gaveUp(raise());
    add(2);
    write();
    expect(archivist.status()).toMatchObject({ archived: 2, discarded: 5, messages: 2 });
  });

  it('logs a failed write, keeps the messages, and writes them later', async () => {
    const { archivist, add, write } = start();
    // A folder with the segment's name is in the way.
    mkdirSync(join(folder, segmentPath(1, hour)));
    add(5);
    write();
    write();
    expect(archivist.status()).toMatchObject({ archived: 0, discarded: 0 });
    expect(archivist.status().failing).toContain('EISDIR');
    rmSync(join(folder, segmentPath(1, hour)), { recursive: true });
    write();
    expect(archivist.status()).toMatchObject({ archived: 5, failing: undefined });
    expect(await messagesInArchive()).toBe(5);
    expect(events.map(({ level }) => level)).toEqual(['error', 'info']);
  });

  it('deletes the oldest files first, by size and by age, and logs it', async () => {
    const { archivist, take, write } = start({ maxBytes: 6_500 });
    for (let index = 0; index < 4; index++) {
      take(10);
      clock.pass(hourMs);
      write();
      await settled(archivist);
    }
    expect(converted().length).toBeLessThan(4);
    const kept = archivist.status();
    expect(kept.bytes).toBeLessThanOrEqual(6_500);
    expect(kept.messages + kept.deletedMessages).toBe(40);
    expect(await messagesInArchive()).toBe(kept.messages);
    expect(readdirSync(join(folder, 'date=2016-05-28'))).not.toContain('hour=11');
    expect(events.at(-1)?.text).toMatch(/^deleted the oldest .*: it is at its limit$/);
    await archivist.stop();

    clock.pass(48 * hourMs);
    const next = start({ maxAgeMs: 24 * hourMs, writes: 100 });
    clock.pass(20_000);
    next.write();
    expect(next.archivist.status()).toMatchObject({ messages: 0, files: 0 });
  });

  /** Creates empty files of consecutive hours, from long ago up to now. */
  function fillHours(hours: number): void {
    for (let sequence = 1; sequence <= hours; sequence++) {
      const path = join(folder, parquetPath(sequence, hour - (hours + 1 - sequence) * hourMs, 1));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    }
  }

  it('deletes nothing by age for an hour after the clock stepped, then a day an hour', () => {
    fillHours(72);
    const { archivist, write } = start({ maxAgeMs: 30 * dayMs });
    const passed = (ms: number): number => {
      for (let passed = 0; passed < ms; passed += 10_000) {
        clock.pass(10_000);
        write();
      }
      return archivist.status().files;
    };
    clock.step(365 * dayMs);
    expect(passed(50 * 60_000)).toBe(72);
    clock.step(-365 * dayMs);
    expect(passed(2 * hourMs)).toBe(72);
    clock.step(365 * dayMs);
    expect(passed(hourMs)).toBe(72);
    expect(passed(20_000)).toBe(49);
    expect(passed(hourMs)).toBe(26);
    expect(passed(hourMs)).toBe(3);
  });

  it('archives messages while it cannot delete the oldest file, and says so once', () => {
    const oldest = join(folder, parquetPath(1, hour - hourMs, 3));
    mkdirSync(oldest, { recursive: true });
    const { archivist, take, write } = start({ maxBytes: 1 });
    for (let round = 1; round <= 3; round++) {
      clock.pass(11_000);
      take(1);
      expect(archivist.status()).toMatchObject({ archived: round, deletedFiles: 0 });
      expect(archivist.status().failing).toContain('directory');
    }
    rmSync(oldest, { recursive: true });
    clock.pass(11_000);
    write();
    expect(archivist.status()).toMatchObject({ deletedFiles: 1, failing: undefined });
    expect(events.map(({ level }) => level)).toEqual(['error', 'info', 'info']);
  });

  it('says once that it cannot write, for as long as it cannot', () => {
    const { archivist, add, write } = start();
    mkdirSync(join(folder, segmentPath(1, hour)));
    add(5);
    for (let round = 0; round < 5; round++) {
      write();
      clock.pass(11_000);
      expect(archivist.status().failing).toContain('EISDIR');
    }
    expect(events.map(({ level }) => level)).toEqual(['error']);
  });

  it.each([
    ['gone', () => undefined, /; its 3 messages are gone$/],
    ['unreadable', (path: string) => mkdirSync(path), /; retrying$/],
  ] as const)('converts the other segments if one is %s', async (_, replace, said) => {
    const { archivist, take, write } = start();
    take(3);
    const path = join(folder, segmentPath(1, hour));
    rmSync(path);
    replace(path);
    clock.pass(hourMs);
    take(2);
    for (let round = 0; round < 20; round++) {
      clock.pass(61_000);
      write();
      await settled(archivist).catch(() => undefined);
    }
    expect(converted()).toEqual(['date=2016-05-28/hour=12/0000000002_2.parquet']);
    expect(events[0]?.text).toMatch(said);
  });

  it('is complete in a copy whose segments were copied first', async () => {
    const { archivist, take, write } = start();
    take(3);
    clock.pass(hourMs);
    take(2);
    const copy = mkdtempSync(join(base, 'copy-'));
    cpSync(join(folder, 'segments'), join(copy, 'segments'), { recursive: true });
    write();
    await settled(archivist);
    cpSync(folder, copy, { recursive: true });
    expect(converted()).toHaveLength(1);
    folder = copy;
    expect(await messagesInArchive()).toBe(5);
    start({ writes: 100 });
    expect(await messagesInArchive()).toBe(5);
  });

  it('reads no more than the oldest file for its status', () => {
    mkdirSync(join(folder, 'date=2016-05-28', 'hour=10'), { recursive: true });
    for (let sequence = 1; sequence <= 500; sequence++)
      writeFileSync(join(folder, parquetPath(sequence, hour - hourMs, 3)), '');
    const { archivist } = start();
    let filesRead = 0;
    vi.spyOn(Catalogue.prototype, 'files', 'get').mockImplementation(function (this: Catalogue) {
      return new Proxy(filesOf.call(this), {
        get: (files, name, receiver) => {
          if (/^\d+$/.test(String(name))) filesRead++;
          return Reflect.get(files, name, receiver);
        },
      });
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(archivist.status()).toMatchObject({
      ...{ files: 500, messages: 1_500, oldestHour: hour - hourMs },
    });
    expect(filesRead).toBe(1);
  });

  it('makes and deletes nothing in another folder at its path, and goes on when its own is back', async () => {
    const { archivist, take, write } = start({ maxBytes: 1 });
    take(3);
    const [away, other] = [`${folder}-away`, `${folder}-other`];
    renameSync(folder, away);
    cpSync(away, folder, { recursive: true });
    const theirs = () => Object.fromEntries(pathsIn(folder).map((path) => [path, sizeOf(path)]));
    const sizeOf = (path: string) => statSync(join(folder, path)).size;
    const before = theirs();
    // Time to convert, to delete files beyond the limit, and to open the segment of another hour.
    clock.pass(hourMs);
    take(2);
    expect(theirs()).toEqual(before);
    expect(archivist.status()).toMatchObject({ archived: 3, deletedFiles: 0 });
    expect(archivist.status().failing).toMatch(/ another folder lies there; /);
    renameSync(folder, other);
    write();
    expect(existsSync(folder)).toBe(false);
    expect(archivist.status().failing).toMatch(/ it is gone; /);
    renameSync(away, folder);
    write();
    await settled(archivist);
    expect(archivist.status()).toMatchObject({ archived: 5, failing: undefined });
    expect(events.map(({ level }) => level)).toContain('error');
    expect(events.at(-1)).toMatchObject({ text: 'the archive has recovered from a write failure' });
  });

  it('gives a converted segment no name in another folder', async () => {
    const { archivist, take, write } = start();
    take(3);
    clock.pass(11 * 60_000);
    write();
    const away = `${folder}-away`;
    renameSync(folder, away);
    cpSync(away, folder, { recursive: true });
    await settled(archivist);
    const paths = pathsIn(folder).filter((path) => !path.endsWith('.partial'));
    expect(paths).toEqual(['segments', segmentPath(1, hour)]);
    expect(events).toMatchObject([
      { level: 'error', text: expect.stringMatching(/^cannot convert /) },
    ]);
  });
});
