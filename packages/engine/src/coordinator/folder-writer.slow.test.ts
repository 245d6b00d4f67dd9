/** Logs in one folder, against minutes that are never shared, skipped or read back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  alignDown,
  allocateWindows,
  lastCounted,
  min,
  ms10,
  ms10PerSecond,
  overwrite,
  type Period,
  type PeriodName,
  sec,
  type Windows,
} from '@reto3/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Minute } from '../ring/minute.ts';
import { encodeWindows, fastLevel } from '../store/codec.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { rowName } from '../store/keys.ts';
import { newSourceId, type SourcePosition } from '../store/source-rows.ts';
import { allTime } from '../store/store.ts';
import { FolderWriter, type MinuteCounts } from './folder-writer.ts';

// Shortly before midnight, so that hours and days end within a log.
const epochMs = Date.UTC(2016, 4, 28, 22, 50);
const mostMinutes = 100;

/** Most of its minutes have no messages. */
const log = fc.record({
  firstMinute: fc.integer({ min: 0, max: 150 }),
  minutes: fc.integer({ min: 2, max: mostMinutes }),
  /** Where it begins in its first minute, and ends in its last. */
  firstSecond: fc.integer({ min: 0, max: 59 }),
  lastSecond: fc.integer({ min: 1, max: 60 }),
  isCoarse: fc.boolean(),
  busy: fc.array(fc.integer({ min: 0, max: mostMinutes - 1 }), { maxLength: 4 }),
  minutesPerCommit: fc.integer({ min: 10, max: 2 * mostMinutes }),
  /** Whether the folder is opened anew. */
  reopens: fc.boolean(),
});

type GeneratedLog = typeof log extends fc.Arbitrary<infer Value> ? Value : never;

function minutesOf({ isCoarse, ...of }: GeneratedLog): MinuteCounts[] {
  return Array.from({ length: of.minutes }, (_, index) => {
    const from = index === 0 ? of.firstSecond * ms10PerSecond : 0;
    const isLast = index === of.minutes - 1;
    const to = isLast ? of.lastSecond * ms10PerSecond : ms10.blockWindows;
    const counts = new Float64Array(ms10.blockWindows);
    counts.set([3, 0, 5], from);
    return {
      start: epochMs + (of.firstMinute + index) * min.windowMs,
      counts: of.busy.includes(index) ? counts : undefined,
      counted: [{ from, to }],
      secondsOnly: isCoarse,
    };
  });
}

/** Every minute that was added, whole. */
class Model {
  readonly #minutes = new Map<number, Minute>();
  #heldEnd = 0;

  /** What is counted before the end of all counts is revised from now on. */
  open(): void {
    const newest = Math.max(...this.#minutes.keys());
    const minute = this.#minutes.get(newest);
    this.#heldEnd =
      minute === undefined ? 0 : newest + (lastCounted(minute.ms10) + 1) * ms10.windowMs;
  }

  add({ start, counts = [], counted, secondsOnly }: MinuteCounts): void {
    const minute = this.#minutes.get(start) ?? new Minute(start);
    this.#minutes.set(start, minute);
    for (const { from, to } of counted) {
      if (secondsOnly) minute.markSecondsOnly(from / ms10PerSecond, to / ms10PerSecond);
      else minute.markCounted(from, to);
    }
    for (const [window, count] of Array.from(counts).entries()) {
      if (count === 0) continue;
      const at = secondsOnly ? alignDown(window, ms10PerSecond) : window;
      minute.add(at, count, start + at * ms10.windowMs < this.#heldEnd);
    }
  }

  rows(period: Period): string[] {
    const blocks = new Map<number, Windows>();
    for (const minute of this.#minutes.values()) {
      const start = alignDown(minute.start, period.blockMs);
      const block = blocks.get(start) ?? allocateWindows(period.blockWindows);
      blocks.set(start, block);
      overwrite(block, (minute.start - start) / period.windowMs, minute[period.name]);
    }
    const sorted = [...blocks].sort(([a], [b]) => a - b);
    return sorted.map(([start, windows]) =>
      rowText(start, encodeWindows(windows, rowName(period.name, start), fastLevel)),
    );
  }
}

function rowText(start: number, bytes: Uint8Array): string {
  return `${start} ${Buffer.from(bytes).toString('hex')}`;
}

function position(): SourcePosition {
  const none = { bytes: 0, sha256: '' };
  const source = { id: newSourceId(), path: 'access.log', head: none, end: none };
  return { ...source, offset: 100, lines: 100 };
}

async function rowsIn(folder: string, period: PeriodName): Promise<string[]> {
  const store = await new HeldFolder(folder).openStore();
  const snapshot = store.snapshot();
  const rows: string[] = [];
  try {
    for await (const { start, bytes } of snapshot.encodedRows(period, allTime))
      rows.push(rowText(start, bytes));
  } finally {
    await snapshot.close();
    await store.close();
  }
  return rows;
}

it('writes the same rows, byte for byte', async () => {
  const base = await mkdtemp(join(tmpdir(), 'reto3-writer-'));
  let runs = 0;
  const sameRows = async (logs: readonly GeneratedLog[]): Promise<void> => {
    const folder = join(base, String(runs++));
    const model = new Model();
    let writer = await FolderWriter.open(folder);
    try {
      for (const one of logs) {
        if (one.reopens) {
          await writer.close();
          writer = await FolderWriter.open(folder);
          model.open();
        }
        for (const [index, minute] of minutesOf(one).entries()) {
          model.add(minute);
          await writer.add(minute);
          if ((index + 1) % one.minutesPerCommit === 0) await writer.commit(position());
        }
        await writer.commit(position());
      }
    } finally {
      await writer.close();
    }
    for (const period of [ms10, sec, min])
      expect(await rowsIn(folder, period.name)).toEqual(model.rows(period));
  };
  try {
    const logs = fc.array(log, { minLength: 1, maxLength: 4 });
    await fc.assert(fc.asyncProperty(logs, sameRows), { numRuns: 15 });
  } finally {
    await rm(base, { recursive: true });
  }
});
