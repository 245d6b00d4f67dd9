/**
 * Whatever is flipped, cut or deleted in a folder: after a repair it opens, an audit passes, and
 * each window has its true count or is reported as gone.
 */
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { periodNames, periods } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalIn } from '../journal/journal-folder.ts';
import { readChunks } from '../query/chunks.ts';
import { DataFolder } from '../query/data-folder.ts';
import { openDatabase } from '../store/database.ts';
import type { Series } from '../store/keys.ts';
import { type Change, Store } from '../store/store.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';
import { repair } from './repair.ts';

const startMs = Date.UTC(2016, 4, 28, 23, 57);
const nowMs = startMs + 600_000;
const everything = { from: 0, to: nowMs + 86_400_000 };

/** Period → start of a window → its count. */
type Counts = ReadonlyMap<string, ReadonlyMap<number, number>>;

interface Read {
  readonly counts: Counts;
  readonly missing: readonly {
    readonly series: Series;
    readonly from: number;
    readonly to: number;
  }[];
}

let base: string;
let template: string;
let truth: Counts;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'reto3-repair-'));
  template = join(base, 'template');
  // Two boots and five minutes around midnight, the last one open; LevelDB has a table and a log.
  const first = await VirtualServer.in(template, startMs);
  await first.count(130);
  await first.stop();
  const second = await VirtualServer.in(template, startMs + 140_000);
  await second.count(150);
  await second.stop();
  truth = (await read(template)).counts;
});

afterAll(() => rm(base, { recursive: true }));

async function read(folder: string): Promise<Read> {
  return DataFolder.with(folder, async (data) => {
    const counts = new Map<string, Map<number, number>>();
    const missing: Read['missing'][number][] = [];
    for (const name of periodNames) {
      const period = periods[name];
      const view = await data.view(period, nowMs);
      const windows = new Map<number, number>();
      for await (const chunk of readChunks(view, period, everything, (damage) =>
        missing.push(damage),
      ))
        for (const [index, counted] of chunk.windows.counted.entries())
          if (counted === 1)
            windows.set(chunk.start + index * period.windowMs, chunk.windows.counts[index] ?? 0);
      counts.set(name, windows);
      await view.store.close();
    }
    return { counts, missing };
  });
}

/** Windows with a wrong count, or missing without being reported. */
function falsities({ counts, missing }: Read): string[] {
  const found: string[] = [];
  for (const name of periodNames) {
    for (const [start, count] of truth.get(name) ?? []) {
      const got = counts.get(name)?.get(start);
      const isReported = missing.some(
        ({ series, from, to }) => series === name && from <= start && start < to,
      );
      if (got !== count && !(got === undefined && isReported))
        found.push(`${name} ${new Date(start).toISOString()}: got ${got}, want ${count}`);
    }
    for (const start of counts.get(name)?.keys() ?? [])
      if (!truth.get(name)?.has(start)) found.push(`${name} ${start}: made up`);
  }
  return found;
}

async function copyOfTemplate(): Promise<string> {
  const folder = join(await mkdtemp(join(base, 'case-')), 'data');
  await cp(template, folder, { recursive: true });
  return folder;
}

async function expectRepaired(folder: string): Promise<Awaited<ReturnType<typeof repair>>> {
  const done = await repair(folder, nowMs);
  expect(done.audit.places).toEqual([]);
  expect(done.audit.ok).toBe(true);
  expect(falsities(await read(folder)).slice(0, 3)).toEqual([]);
  return done;
}

async function change(folder: string, changes: (store: Store) => readonly Change[]): Promise<void> {
  const store = await Store.open(() => openDatabase(folder));
  await store.write(changes(store), { sync: true });
  await store.close();
}

async function flipBlock(folder: string, series: Series, start: number): Promise<void> {
  const database = await openDatabase(folder);
  const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const time = Buffer.from(start.toString(16).padStart(12, '0'), 'hex');
  const key = Buffer.concat([Buffer.from(`!${series}!`), time]);
  const value = Buffer.from((await database.get<Buffer, Buffer>(key, raw)) ?? []);
  expect(value.length).toBeGreaterThan(0);
  value[9] = (value[9] ?? 0) ^ 4;
  await database.put<Buffer, Buffer>(key, value, raw);
  await database.close();
}

describe('a repair', () => {
  it('changes no count of an intact folder, and leaves a copy', async () => {
    const folder = await copyOfTemplate();
    const done = await expectRepaired(folder);
    expect(done).toMatchObject({ filesRepaired: undefined, dropped: [], writesMissing: 0 });
    expect(done.gone).toEqual({ ms10: [], sec: [], min: [] });
    expect(await readdir(done.copy)).toContain('ANCHOR');
    const again = await repair(folder, nowMs + 1);
    expect(again.changes).toBe(0);
  });

  it('records a damaged ms10 block as gone, and keeps seconds and minute', async () => {
    const folder = await copyOfTemplate();
    await flipBlock(folder, 'ms10', startMs + 60_000);
    const { gone, dropped } = await expectRepaired(folder);
    expect(dropped).toMatchObject([{ row: { series: 'ms10', start: startMs + 60_000 } }]);
    const stretch = { from: startMs + 60_000, to: startMs + 120_000 };
    expect(gone).toEqual({ ms10: [stretch], sec: [], min: [] });
    // A server that starts on the folder keeps the record.
    const server = await VirtualServer.in(folder, nowMs);
    await server.count(1);
    await server.stop();
    expect((await read(folder)).missing).toMatchObject([{ series: 'ms10', ...stretch }]);
  });

  it.each(['sec', 'min'] as const)('rebuilds damaged %s blocks from ms10', async (series) => {
    const folder = await copyOfTemplate();
    const { blockMs } = periods[series];
    await flipBlock(folder, series, Math.floor(startMs / blockMs) * blockMs);
    const { gone, dropped } = await expectRepaired(folder);
    expect(dropped).toHaveLength(1);
    expect(gone).toEqual({ ms10: [], sec: [], min: [] });
  });

  it('leaves the folder unchanged and no copy if it is aborted while copying', async () => {
    const folder = await copyOfTemplate();
    const before = await readdir(folder);
    await expect(repair(folder, nowMs, AbortSignal.abort())).rejects.toThrow(/aborted/);
    expect(await readdir(dirname(folder))).toEqual(['data']);
    expect(await readdir(folder)).toEqual(before);
  });

  it.each(['sec', 'min'] as const)(
    'rebuilds %s blocks that vanished before further minutes closed',
    async (series) => {
      const folder = await copyOfTemplate();
      const { blockMs } = periods[series];
      const start = Math.floor(startMs / blockMs) * blockMs;
      await change(folder, () => [{ delete: series, start }]);
      const server = await VirtualServer.in(folder, startMs + 130_000);
      await server.count(1);
      await server.stop();
      const { gone } = await repair(folder, nowMs);
      expect(gone).toEqual({ ms10: [], sec: [], min: [] });
      const { counts, missing } = await read(folder);
      expect(missing).toEqual([]);
      const of = (windows: ReadonlyMap<string, ReadonlyMap<number, number>>) =>
        [...(windows.get(series)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
      expect(of(counts)).toBe(of(truth) + perSecond);
    },
  );

  it('keeps the total of an open minute if a record of the journal is damaged', async () => {
    const folder = await copyOfTemplate();
    const [id = 0] = await journalIn(folder).ids();
    const path = join(folder, `JOURNAL-${id}`);
    const bytes = await readFile(path);
    // The second frame; the first one holds the minutes open when the journal began.
    const second = 64 + 8 + bytes.readUInt32LE(64);
    bytes[second + 12] = (bytes[second + 12] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const { gone, journalDamage } = await expectRepaired(folder);
    expect(journalDamage).toMatch(/is damaged at byte/);
    const stretch = { from: startMs + 240_000, to: startMs + 300_000 };
    expect(gone).toEqual({ ms10: [stretch], sec: [stretch], min: [] });
  });

  it('never leaves a wrong count after flips, cuts and deletions in any file', async () => {
    const random = new Random(20_160_528);
    for (let round = 0; round < 40; round++) {
      const folder = await copyOfTemplate();
      const done: string[] = [];
      for (let time = 0; time <= round % 2; time++) done.push(await damage(folder, random));
      try {
        await expectRepaired(folder);
      } catch (error) {
        throw new Error(`round ${round}: ${done.join(', ')}`, { cause: error });
      }
    }
  }, 60_000);
});

/** Flips a bit of a random file, cuts it or deletes it; returns a description. */
async function damage(folder: string, random: Random): Promise<string> {
  const files = (await readdir(folder)).filter((name) => !/^LO(?:CK|G)/.test(name)).sort();
  const file = files[random.below(files.length)] ?? '';
  const path = join(folder, file);
  const bytes = await readFile(path);
  const at = random.below(bytes.length);
  const kind = random.below(4);
  if (kind === 0) await rm(path);
  else if (kind === 1) await truncate(path, at);
  else {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    await writeFile(path, bytes);
  }
  return `${file} ${['deleted', 'cut', 'flipped', 'flipped'][kind]} at ${at} of ${bytes.length}`;
}
