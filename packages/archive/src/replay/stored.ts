/**
 * The stored windows of a report, as rows to compare a replay with: read from a data folder, or
 * from the answer of a server.
 */
import { type Damage, type Damaged, damagedOf, type Period, type PeriodName } from '@reto3/core';
import { type DataFolder, readChunks } from '@reto3/engine';
import { type Report, ReportView, rowsOf } from '@reto3/reports';
import { countName } from './count.ts';
import type { WindowCells } from './differences.ts';
import type { ReplayRange } from './replay.ts';

export interface StoredWindows {
  /** Retention has deleted everything older; epoch ms. */
  readonly deletedBefore: Readonly<Record<PeriodName, number>>;
  /**
   * Later messages may still be on their way into the archive; epoch ms. Undefined if no server
   * writes to it.
   */
  readonly archivedThrough: number | undefined;
  /** The windows that have data, in order of time. */
  readonly read: (range: ReplayRange) => AsyncIterable<WindowCells>;
}

export type ReportCells = Readonly<Record<string, number | string | null>>;

/** @param onEnd receives, after the last window, the places that could not be read */
export function storedInFolder(
  data: DataFolder,
  report: Report,
  period: Period,
  onEnd: (missing: Damaged) => void,
): StoredWindows {
  const { deletedBefore } = data.recovered.meta;
  return {
    deletedBefore,
    archivedThrough: undefined,
    async *read(range) {
      const damages: Damage[] = [];
      const onDamage = (damage: Damage): void => void damages.push(damage);
      if (report.name === countName) yield* storedCounts(data, period, range, onDamage);
      else yield* storedRows(data, report, period, range, onDamage);
      onEnd(damagedOf(damages));
    },
  };
}

async function* storedCounts(
  data: DataFolder,
  period: Period,
  range: ReplayRange,
  onDamage: (damage: Damage) => void,
): AsyncGenerator<WindowCells> {
  const view = await data.view(period, Date.now());
  try {
    for await (const { start, windows } of readChunks(view, period, range, onDamage))
      for (const [index, count] of windows.counts.entries())
        if (count > 0 && windows.counted[index] === 1)
          yield { start: start + index * period.windowMs, rows: [[count]] };
  } finally {
    await view.store.close();
  }
}

async function* storedRows(
  data: DataFolder,
  report: Report,
  period: Period,
  range: ReplayRange,
  onDamage: (damage: Damage) => void,
): AsyncGenerator<WindowCells> {
  const view = await ReportView.ofFolder(report.name, period.name, data.store.snapshot());
  try {
    for await (const window of view.windows(range, onDamage))
      yield { start: window.start, rows: cellsOf(report, rowsOf(report, window)) };
  } finally {
    await view.close();
  }
}

/**
 * Groups the rows of an answer by window.
 * @param rows in order of `start`; those of `count` may include windows without a message
 */
export async function* windowsOf(
  report: Report,
  rows: AsyncIterable<ReportCells>,
): AsyncGenerator<WindowCells> {
  const isCount = report.name === countName;
  let window: { start: number; rows: WindowCells['rows'][number][] } | undefined;
  for await (const row of rows) {
    if (isCount && row['count'] === 0) continue;
    const start = Number(row['start']);
    if (window !== undefined && window.start !== start) {
      yield window;
      window = undefined;
    }
    window ??= { start, rows: [] };
    window.rows.push(...cellsOf(report, [row]));
  }
  if (window !== undefined) yield window;
}

/** The cells of the rows, in the order of the report's columns. */
export function cellsOf(report: Report, rows: readonly ReportCells[]): WindowCells['rows'] {
  const columns = Object.keys(report.columns);
  return rows.map((row) => columns.map((column) => row[column] ?? null));
}
