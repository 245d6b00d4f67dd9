/**
 * Reads random ranges and compares them with a naive model: a map from the start of each window to
 * its count, filled from every stored block and then from every minute in memory.
 */
import {
  alignDown,
  allocateWindows,
  type Chunk,
  min,
  type Period,
  periodNames,
  periods,
  type Windows,
} from '@reto3/core';
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import type { CountsView } from '../coordinator/coordinator.ts';
import { Minute } from '../ring/minute.ts';
import { type Change, Store } from '../store/store.ts';
import { readChunks, resolveLast } from './chunks.ts';

// Ten minutes before midnight, so that minutes, hours and days all end within a short range.
const base = Date.UTC(2016, 4, 28, 23, 50);
const spanMs = 20 * min.windowMs;

interface Setup {
  readonly period: Period;
  /** The blocks in the store: number, counted from the one around `base` → seed of its counts. */
  readonly blocks: ReadonlyMap<number, number>;
  /** The minutes in memory: number, counted from `base` → seed of its counts. */
  readonly minutes: ReadonlyMap<number, number>;
}

/** Windows made from the seed: about a third are gaps, some are revised. */
function fill(length: number, seed: number): Windows {
  const windows = allocateWindows(length);
  for (let index = 0; index < length; index++) {
    const mixed = Math.imul(seed * 8_192 + index + 1, 2_654_435_761) >>> 16;
    if (mixed % 3 === 0) continue;
    windows.counted[index] = 1;
    windows.counts[index] = mixed % 400;
    if (mixed % 7 === 0) windows.revised[index] = 1;
  }
  return windows;
}

function minuteOf(number: number, seed: number): Minute {
  return new Minute(base + number * min.windowMs, {
    ms10: fill(6_000, seed),
    sec: fill(60, seed + 1),
    min: fill(1, seed + 2),
  });
}

type Row = readonly [start: number, count: number, revised: number];

function rowsOf({ start, windows }: Chunk, period: Period): Row[] {
  return [...windows.counted.keys()]
    .filter((index) => windows.counted[index] === 1)
    .map((index) => [
      start + index * period.windowMs,
      windows.counts[index] ?? 0,
      windows.revised[index] ?? 0,
    ]);
}

/** Every counted window, in order of time. */
function modelOf({ period, blocks, minutes }: Setup): Row[] {
  const rows = new Map<number, Row>();
  const overwrite = (start: number, windows: Windows): void => {
    for (let index = 0; index < windows.counts.length; index++)
      rows.delete(start + index * period.windowMs);
    for (const row of rowsOf({ start, windows }, period)) rows.set(row[0], row);
  };
  for (const [number, seed] of blocks)
    overwrite(blockStart(period, number), fill(period.blockWindows, seed));
  for (const [number, seed] of minutes) {
    const minute = minuteOf(number, seed);
    overwrite(minute.start, minute[period.name]);
  }
  return [...rows.values()].sort(([a], [b]) => a - b);
}

function blockStart(period: Period, number: number): number {
  return alignDown(base, period.blockMs) + number * period.blockMs;
}

async function viewOf({ period, blocks, minutes }: Setup, oldest = 0): Promise<CountsView> {
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const changes = [...blocks].map(
    ([number, seed]): Change => ({
      put: period.name,
      start: blockStart(period, number),
      windows: fill(period.blockWindows, seed),
    }),
  );
  await store.write(changes, { sync: false });
  return {
    finalThrough: base + spanMs,
    newestEnd: base + spanMs,
    oldest,
    minutes: [...minutes].map(([number, seed]) => minuteOf(number, seed)),
    store: store.snapshot(),
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
  };
}

async function collect(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const all: Chunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

/** A chunk as text to compare, since `toEqual` is slow on thousands of numbers. */
function bytesOf({ start, windows }: Chunk): string {
  const { counts, counted, revised } = windows;
  const columns = [counts, counted, revised].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  );
  return [start, ...columns].join();
}

function mapOf(keys: readonly number[], seed: number): Map<number, number> {
  return new Map(keys.map((key, index) => [key, seed + index * 5]));
}

const seed = fc.integer({ min: 0, max: 10_000 });
const setup: fc.Arbitrary<Setup> = fc.constantFrom(...periodNames).chain((name) =>
  fc.record({
    period: fc.constant(periods[name]),
    blocks: fc
      .tuple(fc.uniqueArray(fc.nat(name === 'ms10' ? 19 : 2), { maxLength: 6 }), seed)
      .map(([numbers, first]) => mapOf(numbers, first)),
    minutes: fc
      .tuple(fc.uniqueArray(fc.nat(19), { maxLength: 5 }), seed)
      .map(([numbers, first]) => mapOf(numbers, first)),
  }),
);
// In and around the setup, and seldom aligned to a window.
const time = fc.integer({ min: base - min.windowMs, max: base + spanMs + min.windowMs });
const range = fc
  .oneof(
    fc.tuple(time, time),
    fc.tuple(time, fc.integer({ min: 0, max: 2_000 })).map(([from, ms]) => [from, from + ms]),
    fc.constant([0, base + 2 * min.blockMs]),
  )
  .map(([a = 0, b = 0]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

describe('readChunks', () => {
  it('gives every counted window that starts in the range, memory before store', async () => {
    await fc.assert(
      fc.asyncProperty(setup, range, async (given, asked) => {
        const view = await viewOf(given);
        const chunks = await collect(readChunks(view, given.period, asked));
        const rows = chunks.flatMap((chunk) => rowsOf(chunk, given.period));
        const wanted = modelOf(given).filter(([at]) => at >= asked.from && at < asked.to);
        expect(JSON.stringify(rows)).toBe(JSON.stringify(wanted));
      }),
      { numRuns: 80 },
    );
  });

  it('gives the same chunks backwards with reverse', async () => {
    await fc.assert(
      fc.asyncProperty(setup, range, async (given, asked) => {
        const view = await viewOf(given);
        const forwards = await collect(readChunks(view, given.period, asked));
        const backwards = await collect(
          readChunks(view, given.period, { ...asked, reverse: true }),
        );
        expect(backwards.reverse().map(bytesOf)).toEqual(forwards.map(bytesOf));
      }),
      { numRuns: 40 },
    );
  });

  it('gives chunks of one block each, in order, within the range', async () => {
    await fc.assert(
      fc.asyncProperty(setup, range, async (given, asked) => {
        const { period } = given;
        let end = asked.from;
        let empty = 0;
        for (const chunk of await collect(readChunks(await viewOf(given), period, asked))) {
          const { length } = chunk.windows.counts;
          const last = chunk.start + (length - 1) * period.windowMs;
          expect(chunk.start).toBeGreaterThanOrEqual(end);
          if (length === 0) empty++;
          else expect(alignDown(last, period.blockMs)).toBe(alignDown(chunk.start, period.blockMs));
          end = chunk.start + length * period.windowMs;
          expect(end - period.windowMs).toBeLessThan(asked.to);
        }
        // Only the range's first block may have no window that starts in the range.
        expect(empty).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  });

  it('gives nothing for a range that ends before it begins', async () => {
    const period = periods.ms10;
    const view = await viewOf({ period, blocks: new Map([[0, 1]]), minutes: new Map([[0, 2]]) });
    for (const asked of [
      { from: base + 30_000, to: base + 20_000 },
      { from: base + 90_000, to: base },
    ]) {
      const chunks = await collect(readChunks(view, period, asked));
      expect(chunks.flatMap((chunk) => rowsOf(chunk, period))).toEqual([]);
    }
  });
});

describe('resolveLast', () => {
  it('begins where the newest N counted windows of the range do', async () => {
    const last = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20_000 }));
    await fc.assert(
      fc.asyncProperty(setup, range, last, fc.boolean(), async (given, asked, wanted, isKnown) => {
        // A server knows the start of its oldest window, or an earlier time.
        const view = await viewOf(given, isKnown ? modelOf(given)[0]?.[0] : 0);
        const found = await resolveLast(view, given.period, { ...asked, last: wanted });
        const newest = modelOf(given)
          .filter(([at]) => at >= asked.from && at < asked.to)
          .slice(-wanted);
        expect(found).toEqual({ from: newest[0]?.[0] ?? asked.to, to: asked.to });
      }),
      { numRuns: 60 },
    );
  });

  it('does not change a range without last', async () => {
    const period = periods.sec;
    const view = await viewOf({ period, blocks: new Map(), minutes: new Map() });
    const asked = { from: 1_000, to: 2_000, last: undefined };
    expect(await resolveLast(view, period, asked)).toEqual(asked);
  });
});
