/** What an import leaves behind if it fails, and what it counts without showing it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
