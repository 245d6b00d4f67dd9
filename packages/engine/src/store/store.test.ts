import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allocateWindows,
  type Damage,
  type PeriodName,
  periodNames,
  periods,
  type Windows,
} from '@reto3/core';
import { MemoryLevel } from 'memory-level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { isStoreFailure } from './database-failure.ts';
import { type Meta, newMeta } from './meta.ts';
import { allTime, type Row, type RowRange, Store } from './store.ts';

/** Where a database is. */
interface Place {
  open(): Promise<Database>;
  remove(): Promise<void>;
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  'memory-level': async () => ({
    open: async () => {
      const database = new MemoryLevel<string, string>();
      await database.open();
      return database;
    },
    remove: async () => {},
  }),
  LevelDB: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-store-'));
    return {
      open: () => openDatabase(join(folder, 'data')),
      remove: () => rm(folder, { recursive: true }),
    };
  },
};

const minute = Date.UTC(2016, 4, 28, 11, 11);
const second = minute + 11_000;
const meta: Meta = { ...newMeta('node-1'), boot: 1, clean: false };
const unsynced = { sync: false };

function windowsOf(length: number, first: number): Windows {
  const windows = allocateWindows(length);
  windows.counted.fill(1, 0, length - 1);
  windows.counts.fill(first, 0, length - 1);
  windows.counts[1] = first + 300;
  windows.revised[1] = 1;
  return windows;
}

/** A block of that period; `first` makes it unlike others. */
function block(period: PeriodName, first: number): Windows {
  return windowsOf(periods[period].blockWindows, first);
}

async function read(store: Store, series: PeriodName | 'journal', range: RowRange): Promise<Row[]> {
  const snapshot = store.snapshot();
  try {
    const rows: Row[] = [];
    for await (const row of snapshot.rows(series, range)) rows.push(row);
    return rows;
  } finally {
    await snapshot.close();
  }
}

async function startsIn(store: Store, range: RowRange): Promise<number[]> {
  return (await read(store, 'ms10', range)).map(({ start }) => start);
}

describe.each(Object.entries(places))('the store on %s', (_, makePlace) => {
  let place: Place;
  let database: Database;
  let store: Store;

  beforeEach(async () => {
    place = await makePlace();
    database = await place.open();
    store = await Store.open(async () => database);
  });

  afterEach(async () => {
    await store.close();
    await place.remove();
  });

  it('is empty when new', async () => {
    expect(await store.readMeta()).toBeUndefined();
    for (const name of periodNames) {
      expect(store.readBlock(name, minute)).toBeUndefined();
      expect(await read(store, name, allTime)).toEqual([]);
    }
    expect(await read(store, 'journal', allTime)).toEqual([]);
  });

  it('returns the meta row as written last', async () => {
    await store.write([{ meta }], { sync: true });
    expect(await store.readMeta()).toEqual(meta);
    await store.write([{ meta: { ...meta, clean: true } }], unsynced);
    expect(await store.readMeta()).toEqual({ ...meta, clean: true });
  });

  it('keeps the rows of every series apart', async () => {
    const day = Date.UTC(2016, 4, 28);
    await store.write(
      [
        { put: 'ms10', start: day, windows: block('ms10', 1) },
        { put: 'sec', start: day, windows: block('sec', 2) },
        { put: 'min', start: day, windows: block('min', 3) },
        { put: 'journal', start: day, windows: windowsOf(100, 4) },
      ],
      { sync: true },
    );
    expect(store.readBlock('ms10', day)).toEqual(block('ms10', 1));
    expect(store.readBlock('sec', day)).toEqual(block('sec', 2));
    expect(store.readBlock('min', day)).toEqual(block('min', 3));
    expect(await read(store, 'journal', allTime)).toEqual([
      { start: day, windows: windowsOf(100, 4) },
    ]);
    for (const name of periodNames) expect(await read(store, name, allTime)).toHaveLength(1);
  });

  it('replaces a row that is written again', async () => {
    for (const first of [1, 5, 5])
      await store.write([{ put: 'ms10', start: minute, windows: block('ms10', first) }], unsynced);
    expect(await read(store, 'ms10', allTime)).toEqual([
      { start: minute, windows: block('ms10', 5) },
    ]);
  });

  it('deletes a row of one series, if there is one', async () => {
    await store.write(
      [
        { put: 'journal', start: second, windows: windowsOf(100, 1) },
        { put: 'ms10', start: second, windows: block('ms10', 1) },
      ],
      unsynced,
    );
    await store.write(
      [
        { delete: 'journal', start: second },
        { delete: 'journal', start: second + 1_000 },
      ],
      unsynced,
    );
    expect(await read(store, 'journal', allTime)).toEqual([]);
    expect(store.readBlock('ms10', second)).toBeDefined();
  });

  it('writes all changes or none', async () => {
    const bad = block('ms10', 1);
    bad.counts[0] = -1;
    const changes = [
      { put: 'ms10', start: minute, windows: block('ms10', 1) },
      { put: 'ms10', start: minute + 60_000, windows: bad },
    ] as const;
    await expect(store.write(changes, unsynced)).rejects.toThrow(RangeError);
    expect(await read(store, 'ms10', allTime)).toEqual([]);
  });

  describe('reading a range', () => {
    const starts = [0, 1, 2, 3].map((index) => minute + index * 60_000);
    const [first = 0, middle = 0, , newest = 0] = starts;

    beforeEach(async () => {
      // Written newest first, so that the store has to sort them.
      for (const start of [...starts].reverse())
        await store.write([{ put: 'ms10', start, windows: block('ms10', 1) }], unsynced);
      await store.write([{ put: 'journal', start: middle, windows: windowsOf(100, 1) }], unsynced);
    });

    it('returns the rows in order of time', async () => {
      expect(await startsIn(store, allTime)).toEqual(starts);
    });

    it('returns them in reverse on request', async () => {
      expect(await startsIn(store, { ...allTime, reverse: true })).toEqual([...starts].reverse());
    });

    it('includes its start, not its end', async () => {
      expect(await startsIn(store, { from: middle, to: newest })).toEqual(starts.slice(1, 3));
      expect(await startsIn(store, { from: middle + 1, to: newest + 1 })).toEqual(starts.slice(2));
    });

    it('returns nothing if it is empty or ends before it starts', async () => {
      expect(await startsIn(store, { from: middle, to: middle })).toEqual([]);
      expect(await startsIn(store, { from: newest, to: first })).toEqual([]);
    });

    it('may start before the epoch', async () => {
      expect(await startsIn(store, { from: -1, to: first + 1 })).toEqual([first]);
    });
  });

  it('takes snapshots that do not change', async () => {
    await store.write([{ put: 'ms10', start: minute, windows: block('ms10', 1) }], unsynced);
    const snapshot = store.snapshot();
    await store.write(
      [
        { put: 'ms10', start: minute, windows: block('ms10', 2) },
        { put: 'ms10', start: minute + 60_000, windows: block('ms10', 3) },
      ],
      unsynced,
    );
    const rows: Row[] = [];
    for await (const row of snapshot.rows('ms10', allTime)) rows.push(row);
    expect(rows).toEqual([{ start: minute, windows: block('ms10', 1) }]);
    await snapshot.close();
    expect(store.readBlock('ms10', minute)).toEqual(block('ms10', 2));
  });

  describe('a damaged row', () => {
    const key = Buffer.concat([Buffer.from('!ms10!'), timeBytes(minute)]);
    const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
    const damaged = expect.objectContaining({
      code: 'RETO3_BLOCK_DAMAGED',
      message:
        'cannot read ms10 from 2016-05-28 11:11:00.000 to 2016-05-28 11:12:00.000: its checksum does not match',
    });

    beforeEach(async () => {
      await store.write(
        [
          { put: 'ms10', start: minute, windows: block('ms10', 1) },
          { put: 'ms10', start: minute + 60_000, windows: block('ms10', 2) },
        ],
        unsynced,
      );
    });

    it('raises an error with series and time, and never yields counts', async () => {
      const bytes = await database.get<Buffer, Buffer>(key, raw);
      expect(bytes).toBeInstanceOf(Uint8Array);
      const flipped = Buffer.from(bytes ?? []);
      flipped[20] = (flipped[20] ?? 0) ^ 1;
      await database.put<Buffer, Buffer>(key, flipped, raw);
      expect(() => store.readBlock('ms10', minute)).toThrow(damaged);
      await expect(read(store, 'ms10', allTime)).rejects.toEqual(damaged);
    });

    it('can be an intact one under the key of another', async () => {
      const other = Buffer.concat([Buffer.from('!ms10!'), timeBytes(minute + 60_000)]);
      const moved = await database.get<Buffer, Buffer>(other, raw);
      await database.put<Buffer, Buffer>(key, Buffer.from(moved ?? []), raw);
      expect(() => store.readBlock('ms10', minute)).toThrow(damaged);
    });

    it('leaves all other rows readable', async () => {
      await database.put<Buffer, Buffer>(key, Buffer.from('nothing'), raw);
      const range = { from: minute + 60_000, to: minute + 120_000 };
      expect(await startsIn(store, range)).toEqual([minute + 60_000]);
    });

    it('of the journal is a second', async () => {
      const journalKey = Buffer.concat([Buffer.from('!journal!'), timeBytes(second)]);
      await database.put<Buffer, Buffer>(journalKey, Buffer.alloc(30), raw);
      await expect(read(store, 'journal', allTime)).rejects.toThrow(
        'cannot read journal from 2016-05-28 11:11:11.000 to 2016-05-28 11:11:12.000',
      );
    });
  });
});

it('may have a block if LevelDB cannot read its table', async () => {
  const database = new MemoryLevel<string, string>();
  const store = await Store.open(async () => database);
  vi.spyOn(database, 'getSync').mockImplementation(() => {
    throw Object.assign(new Error('corrupted compressed block'), { code: 'LEVEL_CORRUPTION' });
  });
  expect(store.hasBlock('ms10', minute)).toBe(true);
  await store.close();
});

describe('the store on a disk', () => {
  it('has everything again after it was closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-store-'));
    try {
      const before = await Store.open(() => openDatabase(folder));
      await before.write(
        [{ meta }, { put: 'min', start: Date.UTC(2016, 4, 28), windows: block('min', 7) }],
        { sync: true },
      );
      await before.close();
      const after = await Store.open(() => openDatabase(folder));
      expect(await after.readMeta()).toEqual(meta);
      expect(after.readBlock('min', Date.UTC(2016, 4, 28))).toEqual(block('min', 7));
      await after.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it('tells errors of LevelDB, which may have no code, from mistakes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-store-'));
  try {
    const before = await Store.open(() => openDatabase(folder));
    await before.write([{ put: 'ms10', start: minute, windows: block('ms10', 1) }], unsynced);
    await before.close();
    // The second start moves the rows from LevelDB's log to a table, the third reads it on demand.
    await (await Store.open(() => openDatabase(folder))).close();
    const store = await Store.open(() => openDatabase(folder));
    for (const name of await readdir(folder))
      if (name.endsWith('.ldb')) await rm(join(folder, name));
    let error: unknown;
    try {
      store.readBlock('ms10', minute);
    } catch (thrown) {
      error = thrown;
    }
    expect(String(error)).toMatch(/IO error: .*No such file or directory/);
    expect(isStoreFailure(error)).toBe(true);
    const damages: Damage[] = [];
    const snapshot = store.snapshot();
    const range = { from: minute, to: minute + 60_000 };
    for await (const row of snapshot.rows('ms10', range, (damage) => damages.push(damage)))
      expect.unreachable(`got a row at ${row.start}`);
    expect(damages).toMatchObject([{ series: 'ms10', ...range }]);
    await snapshot.close();
    await store.close();
    let closed: unknown;
    try {
      store.readBlock('ms10', minute);
    } catch (thrown) {
      closed = thrown;
    }
    expect(isStoreFailure(closed)).toBe(true);
    expect(isStoreFailure(new TypeError('x is not a function'))).toBe(false);
    expect(isStoreFailure(new RangeError('got the time -1'))).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('a reopened store', () => {
  const written = { ...meta, bootId: 'ours', writes: 7 };
  let parent: string;
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'reto3-store-'));
    folder = join(parent, 'data');
    store = await Store.open((options) => openDatabase(folder, options));
    await store.write([{ meta: written }], { sync: true });
  });

  afterEach(async () => {
    await store.close();
    await rm(parent, { recursive: true });
  });

  it('continues if it has everything written, or more', async () => {
    await store.reopen({ ...written, writes: 6 });
    expect(await store.readMeta()).toEqual(written);
  });

  it('creates no folder if its own is missing, and continues once that is back', async () => {
    await rename(folder, join(parent, 'elsewhere'));
    await expect(store.reopen(written)).rejects.toThrow('it holds no counts');
    expect(await readdir(parent)).toEqual(['elsewhere']);
    expect(() => store.readBlock('min', 0)).toThrow('cannot read the store');
    await rename(join(parent, 'elsewhere'), folder);
    await store.reopen(written);
    expect(await store.readMeta()).toEqual(written);
  });

  it.each([
    ['of an earlier boot', { ...written, bootId: 'before' }, 'another server wrote it'],
    ['of a version without boot ids', meta, 'another server wrote it'],
    ['that was rolled back', { ...written, writes: 5 }, 'got 5 writes, want at least 7'],
  ])('refuses a folder %s', async (_, other, reason) => {
    await store.close();
    await rm(folder, { recursive: true });
    const stranger = await Store.open((options) => openDatabase(folder, options));
    await stranger.write([{ meta: other }], { sync: true });
    await stranger.close();
    await expect(store.reopen(written)).rejects.toThrow(reason);
    expect(() => store.readBlock('min', 0)).toThrow('cannot read the store');
  });
});

/** The six bytes of a time in a key, as docs/format.md draws them. */
function timeBytes(timeMs: number): Buffer {
  return Buffer.from(timeMs.toString(16).padStart(12, '0'), 'hex');
}
