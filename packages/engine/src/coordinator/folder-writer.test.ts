/** What an import leaves behind if it fails, and what it counts without showing it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { min, ms10, type PeriodName, sec } from '@reto3/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DataFolder } from '../query/data-folder.ts';
import { anchorFile, anchorIn } from '../store/anchor.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { newMeta } from '../store/meta.ts';
import { newSourceId, type SourcePosition } from '../store/source-rows.ts';
import { Store } from '../store/store.ts';
import { FolderWriter } from './folder-writer.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const counts = new Float64Array(6_000).fill(1, 0, 100);
const minute = { start: startMs, counts, counted: [{ from: 0, to: 100 }], secondsOnly: false };
const none = { bytes: 0, sha256: '' };

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'reto3-writer-')), 'data');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(join(folder, '..'), { recursive: true });
});

function position(): SourcePosition {
  const source = { id: newSourceId(), path: 'access.log', head: none, end: none };
  return { ...source, offset: 100, lines: 100 };
}

async function importMinute(): Promise<void> {
  const writer = await FolderWriter.open(folder);
  try {
    await writer.add(minute);
    await writer.commit(position());
  } finally {
    await writer.close();
  }
}

/** Adds minutes without messages, and commits them. */
async function addEmpty(writer: FolderWriter, fromMs: number, minutes: number): Promise<void> {
  const counted = [{ from: 0, to: ms10.blockWindows }];
  for (let start = fromMs; start < fromMs + minutes * min.windowMs; start += min.windowMs)
    await writer.add({ start, counts: undefined, counted, secondsOnly: false });
  await writer.commit(position());
}

it('writes an anchor of 0 before the first batch, so that a missing one means damage', async () => {
  vi.spyOn(Store.prototype, 'write').mockRejectedValueOnce(new Error('the disk fails'));
  await expect(importMinute()).rejects.toMatchObject({ code: 'RETO3_DATA_UNREADABLE' });
  expect(await anchorIn(folder).read()).toBe(0);
  await importMinute();
  expect(await anchorIn(folder).read()).toBe(1);
  await importMinute();
  await rm(join(folder, anchorFile));
  await expect(DataFolder.with(folder, async () => 0)).rejects.toMatchObject({
    code: 'RETO3_DATA_CORRUPT',
    message: expect.stringContaining('its file ANCHOR is missing'),
  });
});

it('keeps out a server whose store was failing, and so held no lock', async () => {
  const held = new HeldFolder(folder);
  const store = await held.openStore();
  const written = { ...newMeta('a'), bootId: 'of the server', writes: 1 };
  await store.write([{ meta: written }], { sync: true });
  await held.anchor.write(1);
  await store.close();
  await importMinute();
  await expect(store.reopen(written)).rejects.toThrow('another server wrote it');
  await DataFolder.with(folder, async ({ recovered }) => expect(recovered.messages).toBe(100));
});

it('knows in which periods retention hides a minute', async () => {
  await importMinute();
  const store = await new HeldFolder(folder).openStore();
  const meta = await store.readMeta();
  if (meta === undefined) throw new Error('no meta row');
  const deletedBefore = { ms10: startMs + 3_600_000, sec: startMs, min: 0 };
  await store.write([{ meta: { ...meta, writes: meta.writes + 1, deletedBefore } }], {
    sync: true,
  });
  await store.close();
  const writer = await FolderWriter.open(folder);
  expect(writer.hiddenIn(startMs)).toEqual(['ms10']);
  expect(writer.hiddenIn(startMs - 3_600_000)).toEqual(['ms10', 'sec']);
  expect(writer.hiddenIn(startMs + 3_600_000)).toEqual([]);
  await writer.close();
});

it('reads few blocks where a log has no messages, in an empty folder and in one that has them', async () => {
  const minutes = 1_500;
  await importMinute();
  const reads = (['readBlock', 'encodedBlock', 'oldest'] as const).map((name) =>
    vi.spyOn(Store.prototype, name),
  );
  const countReads = (): number => {
    const calls = reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    for (const read of reads) read.mockClear();
    return calls;
  };
  const writer = await FolderWriter.open(folder);
  try {
    await addEmpty(writer, startMs + min.windowMs, minutes);
    expect(countReads()).toBeLessThan(minutes / 10);
    await addEmpty(writer, startMs + min.windowMs, minutes);
    expect(countReads()).toBeLessThan(minutes * 2.1);
  } finally {
    await writer.close();
  }
});

it('needs one commit for many minutes without messages', async () => {
  const writer = await FolderWriter.open(folder);
  try {
    const counted = [{ from: 0, to: ms10.blockWindows }];
    const add = (index: number, counts: Float64Array | undefined): Promise<void> => {
      const start = startMs + index * min.windowMs;
      return writer.add({ start, counts, counted, secondsOnly: false });
    };
    for (let index = 0; index < 8_000; index++) await add(index, undefined);
    expect(writer.isFull).toBe(false);
    for (let index = 8_000; index < 8_128; index++) await add(index, counts);
    expect(writer.isFull).toBe(true);
  } finally {
    await writer.close();
  }
});

it.each<[PeriodName, number]>([
  ['sec', sec.blockMs],
  ['min', min.blockMs],
])(
  'leaves a damaged %s block to a repair, beside minutes without messages',
  async (name, blockMs) => {
    await importMinute();
    const blockStart = startMs - (startMs % blockMs);
    const bytes = Uint8Array.of(1, 2, 3);
    const store = await new HeldFolder(folder).openStore();
    await store.write([{ put: name, start: blockStart, bytes }], { sync: true });
    await store.close();
    const writer = await FolderWriter.open(folder);
    await addEmpty(writer, blockStart, 2);
    await addEmpty(writer, startMs - 2 * min.windowMs, 2);
    await addEmpty(writer, startMs + min.windowMs, 2);
    await writer.close();
    const later = await new HeldFolder(folder).openStore();
    expect(later.encodedBlock(name, blockStart)).toEqual(Buffer.from(bytes));
    expect(later.hasBlock('ms10', startMs + min.windowMs)).toBe(true);
    await later.close();
  },
);
