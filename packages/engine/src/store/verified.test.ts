/**
 * Whatever row is missing, or replaced by another intact one, a reader of any period gets the right
 * counts or hears of the damage.
 */
import {
  allocateWindows,
  type Damage,
  type PeriodName,
  periodNames,
  periods,
  totalOf,
  type Windows,
} from '@reto3/core';
import { MemoryLevel } from 'memory-level';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeWindows } from './codec.ts';
import type { Database } from './database.ts';
import { rowName } from './keys.ts';
import { newMeta } from './meta.ts';
import { allTime, type Change, type Row, Store } from './store.ts';
import { VerifiedSnapshot } from './verified.ts';

const day = Date.UTC(2016, 4, 28);
const nothingDeleted = newMeta('').deletedBefore;
const minutesPerDay = 1_440;

/** Minutes of the test: two runs in two hours of one day, and one at the start of the next day. */
const minutes = [60, 61, 62, 125, minutesPerDay].map((minute) => day + minute * 60_000);

/** The messages of a minute: ten more in each than in the one before. */
function totalAt(start: number): number {
  return 100 + 10 * minutes.indexOf(start);
}

function blocksOf(name: PeriodName): Map<number, Windows> {
  const period = periods[name];
  const blocks = new Map<number, Windows>();
  for (const start of minutes) {
    const block = start - (start % period.blockMs);
    const windows = blocks.get(block) ?? allocateWindows(period.blockWindows);
    const first = (start - block) / period.windowMs;
    windows.counted.fill(1, first, first + 60_000 / period.windowMs);
    windows.counts[first] = totalAt(start);
    blocks.set(block, windows);
  }
  return blocks;
}

function allBlocks(): Change[] {
  return periodNames.flatMap((put) =>
    [...blocksOf(put)].map(([start, windows]) => ({ put, start, windows })),
  );
}

describe('VerifiedSnapshot', () => {
  let store: Store;

  beforeEach(async () => {
    const database: Database = new MemoryLevel<string, string>();
    store = await Store.open(async () => database);
    await store.write(allBlocks(), { sync: false });
  });

  async function read(
    name: PeriodName,
    options: { reverse?: boolean; from?: number; to?: number; deletedBefore?: number } = {},
  ): Promise<{ rows: Row[]; damages: Damage[] }> {
    const { reverse = false, from = allTime.from, to = allTime.to, deletedBefore = 0 } = options;
    const deleted = { ...nothingDeleted, ms10: deletedBefore };
    const snapshot = new VerifiedSnapshot(store.snapshot(), deleted);
    const rows: Row[] = [];
    const damages: Damage[] = [];
    for await (const row of snapshot.rows(name, { from, to, reverse }, (one) =>
      damages.push(one),
    )) {
      rows.push(row);
    }
    await snapshot.close();
    return { rows, damages };
  }

  for (const name of periodNames) {
    for (const reverse of [false, true]) {
      const order = reverse ? 'backwards' : 'forwards';

      it(`returns intact ${name} blocks ${order}`, async () => {
        const { rows, damages } = await read(name, { reverse });
        expect(damages).toEqual([]);
        expect(rows.length).toBe(blocksOf(name).size);
        const all = rows.reduce((sum, { windows }) => sum + totalOf(windows), 0);
        expect(all).toBe(minutes.reduce((sum, start) => sum + totalAt(start), 0));
      });

      it(`notices ${order} any missing ${name} block`, async () => {
        for (const [start, windows] of blocksOf(name)) {
          await store.write([{ delete: name, start }], { sync: false });
          const { rows, damages } = await read(name, { reverse });
          expect(damages).toEqual([
            {
              series: name,
              from: start,
              to: start + periods[name].blockMs,
              reason: 'its block is missing',
            },
          ]);
          expect(rows.map((row) => row.start)).not.toContain(start);
          expect(rows.length).toBe(blocksOf(name).size - 1);
          await store.write([{ put: name, start, windows }], { sync: false });
        }
      });
    }
  }

  it('notices a block whose key a flipped bit has moved, and all of its time', async () => {
    for (const name of periodNames)
      for (const reverse of [false, true]) {
        for (const [start, windows] of blocksOf(name))
          for (const movedMs of [32_768, -128, 1, -16_384]) {
            const moved = start + movedMs;
            const bytes = encodeWindows(windows, rowName(name, start));
            const change: Change[] = [
              { delete: name, start },
              { put: name, start: moved, bytes },
            ];
            await store.write(change, { sync: false });
            const { rows, damages } = await read(name, { reverse });
            expect(damages.map(({ from, to }) => [from, to])).toEqual([
              [start, start + periods[name].blockMs],
            ]);
            expect(rows.length).toBe(blocksOf(name).size - 1);
            await store.write([{ delete: name, start: moved }, ...allBlocks()], { sync: false });
          }
      }
  });

  it('misses no day at the time to which a flipped bit has moved a sec block', async () => {
    const [[start, windows] = [0, allocateWindows(1)]] = blocksOf('sec');
    const bytes = encodeWindows(windows, rowName('sec', start));
    await store.write([{ put: 'sec', start: start - 2 ** 33, bytes }], { sync: false });
    expect((await read('min')).damages).toEqual([]);
  });

  it('notices a missing block beside a damaged one', async () => {
    const [, missing = 0, damaged = 0] = minutes;
    const rubbish = { put: 'ms10', start: damaged, bytes: new Uint8Array(20) } as const;
    await store.write([{ delete: 'ms10', start: missing }, rubbish], { sync: false });
    for (const reverse of [false, true]) {
      const { rows, damages } = await read('ms10', { reverse });
      expect(damages.map(({ from }) => from).sort()).toEqual([missing, damaged]);
      expect(rows.length).toBe(minutes.length - 2);
    }
  });

  it('notices what is missing up to the point where the database fails, and reports the rest once', async () => {
    const [first = 0, missing = 0, third = 0] = minutes;
    const endOfDay = day + minutesPerDay * 60_000;
    await store.write([{ delete: 'ms10', start: missing }], { sync: false });
    for (const reverse of [false, true]) {
      const rest = reverse ? { from: day, to: first + 60_000 } : { from: third, to: endOfDay };
      const snapshot = store.snapshot();
      const read = snapshot.rows.bind(snapshot);
      snapshot.rows = async function* (series, range, onDamage) {
        for await (const row of read(series, range, onDamage)) {
          if (series === 'ms10' && row.start >= rest.from && row.start < rest.to) break;
          yield row;
        }
        if (series === 'ms10') onDamage?.({ series, ...rest, reason: 'LevelDB says: EIO' });
      };
      const damages: Damage[] = [];
      const verified = new VerifiedSnapshot(snapshot, nothingDeleted);
      const range = { from: day, to: endOfDay, reverse };
      for await (const _ of verified.rows('ms10', range, (one) => damages.push(one)));
      const block = { from: missing, to: missing + 60_000 };
      expect(damages.map(({ from, to }) => ({ from, to }))).toEqual([rest, block]);
      await verified.close();
    }
  });

  it('rejects an older version of a block', async () => {
    for (const name of ['ms10', 'sec'] as const) {
      const [[start, windows] = [0, allocateWindows(1)]] = blocksOf(name);
      const first = windows.counts.findIndex((count) => count > 0);
      windows.counts[first] = 1;
      await store.write([{ put: name, start, windows }], { sync: false });
      const { rows, damages } = await read(name);
      expect(damages.map(({ from }) => from)).toEqual([start]);
      expect(damages[0]?.reason).toContain('adds up to');
      expect(rows.map((row) => row.start)).not.toContain(start);
    }
  });

  it('rejects every ms10 block of a day whose min block is missing', async () => {
    await store.write([{ delete: 'min', start: day }], { sync: false });
    const { rows, damages } = await read('ms10');
    expect(rows.map((row) => row.start)).toEqual([day + minutesPerDay * 60_000]);
    expect(damages.length).toBe(minutes.length - 1);
  });

  it('does not miss blocks that retention has deleted', async () => {
    const deletedBefore = day + 62 * 60_000;
    await store.deleteBefore('ms10', deletedBefore);
    const { rows, damages } = await read('ms10', { deletedBefore });
    expect(damages).toEqual([]);
    expect(rows.length).toBe(minutes.length - 2);
  });

  it('verifies only the requested range', async () => {
    await store.write([{ delete: 'ms10', start: day + 61 * 60_000 }], { sync: false });
    const before = await read('ms10', { to: day + 61 * 60_000 });
    const after = await read('ms10', { from: day + 62 * 60_000 });
    expect([...before.damages, ...after.damages]).toEqual([]);
    const around = await read('ms10', { from: day + 60 * 60_000, to: day + 63 * 60_000 });
    expect(around.damages.length).toBe(1);
  });

  it('notices a missing min block in a range within its day', async () => {
    for (const to of [day + 86_400_000, day + 63 * 60_000]) {
      await store.write([{ delete: 'min', start: day }], { sync: false });
      expect((await read('min', { from: day, to })).damages.length).toBe(1);
      // The range ends before the first counted minute.
      expect((await read('min', { from: day, to: day + 3_600_000 })).damages).toEqual([]);
    }
  });

  it('throws damage if there is no listener', async () => {
    await store.write([{ delete: 'ms10', start: day + 61 * 60_000 }], { sync: false });
    const snapshot = new VerifiedSnapshot(store.snapshot(), nothingDeleted);
    const reading = async (): Promise<void> => {
      for await (const _ of snapshot.rows('ms10', allTime));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'RETO3_BLOCK_DAMAGED' });
    await snapshot.close();
  });
});
