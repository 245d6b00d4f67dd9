/**
 * Reads the windows of a report: the stored rows, overlaid with the rows in memory. A stored row
 * holds several windows; a damaged one is reported and its windows are left out.
 */
import { alignDown, largestTime, type OnDamage, type PeriodName, periods } from '@reto3/core';
import {
  DamagedRow,
  decodeRow,
  overlaid,
  parseKey,
  type RowParts,
  rowMsOf,
  rowRange,
  type StoreSnapshot,
} from '@reto3/engine';

/** The encoded accumulator of one window. */
export interface StoredWindow {
  /** Epoch ms. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The windows of one report and period. Close it after use. */
export interface ReportWindows {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** End of the newest window that has data, epoch ms; 0 if none has. */
  newestEnd(): Promise<number>;
  /** The windows that start in [from, to) and have data, in order of time, or reversed. */
  windows(range: ReadRange, onDamage: OnDamage): AsyncIterable<StoredWindow>;
  close(): Promise<void>;
}

export interface ReportViewParts {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** The rows in memory by start, epoch ms; they take precedence over the store. */
  readonly memory: ReadonlyMap<number, RowParts>;
  readonly store: StoreSnapshot;
}

export interface ReadRange {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
}

interface Row {
  readonly start: number;
  /** Absent if the row is damaged. */
  readonly parts: RowParts | undefined;
  readonly reason: string;
}

/** The windows of one report and period at one moment. Close it after use. */
export class ReportView implements ReportWindows {
  readonly finalThrough: number;
  readonly #report: string;
  readonly #period: PeriodName;
  readonly #parts: ReportViewParts;

  constructor(report: string, period: PeriodName, parts: ReportViewParts) {
    this.#report = report;
    this.#period = period;
    this.#parts = parts;
    this.finalThrough = parts.finalThrough;
  }

  /** The view of a folder that no server is counting into, so all its windows are final. */
  static async ofFolder(
    report: string,
    period: PeriodName,
    store: StoreSnapshot,
  ): Promise<ReportView> {
    const parts = { memory: new Map(), store };
    const finalThrough = await new ReportView(report, period, {
      ...parts,
      finalThrough: 0,
    }).newestEnd();
    return new ReportView(report, period, { ...parts, finalThrough });
  }

  newestEnd(): Promise<number> {
    return newestEndOf(this, this.#period);
  }

  async *windows(range: ReadRange, onDamage: OnDamage): AsyncGenerator<StoredWindow> {
    const { from, to, reverse = false } = range;
    const { windowMs } = periods[this.#period];
    for await (const row of this.#rows(range)) {
      if (row.parts?.partial !== false) {
        const place = { from: row.start, to: row.start + rowMsOf(this.#period) };
        onDamage({ series: this.#period, ...place, reason: row.reason });
      }
      const indexes = [...(row.parts?.windows ?? [])].sort(([a], [b]) => (reverse ? b - a : a - b));
      for (const [index, bytes] of indexes) {
        const start = row.start + index * windowMs;
        if (start >= from && start < to) yield { start, bytes };
      }
    }
  }

  close(): Promise<void> {
    return this.#parts.store.close();
  }

  #rows({ from, to, reverse = false }: ReadRange): AsyncGenerator<Row> {
    const firstRow = alignDown(from, rowMsOf(this.#period));
    const order = reverse ? -1 : 1;
    const compare = (a: Row, b: Row): number => order * (a.start - b.start);
    const memory = [...this.#parts.memory]
      .filter(([start]) => start >= firstRow && start < to)
      .map(([start, parts]): Row => ({ start, parts, reason: partialReason }));
    const stored = this.#storedRows({ from: firstRow, to, reverse });
    return overlaid(stored, memory.sort(compare), compare);
  }

  async *#storedRows({ from, to, reverse = false }: ReadRange): AsyncGenerator<Row> {
    if (from >= to) return;
    const keys = { ...rowRange(this.#report, this.#period, from, to), reverse };
    for await (const [key, bytes] of this.#parts.store.reports(keys)) {
      const name = parseKey(key);
      if (name !== undefined && !('facts' in name)) yield this.#decode(name.start, key, bytes);
    }
  }

  #decode(start: number, key: Uint8Array, bytes: Uint8Array): Row {
    try {
      return { start, parts: decodeRow(bytes, key, this.#period), reason: partialReason };
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      return { start, parts: undefined, reason: error.message };
    }
  }
}

/** End of the newest window that has data, damaged or not, epoch ms; 0 if none has. */
export async function newestEndOf(
  view: Pick<ReportWindows, 'windows'>,
  period: PeriodName,
): Promise<number> {
  const everything = { from: 0, to: largestTime, reverse: true };
  // A damaged row had data too, and a query for its time has to report it.
  let end = 0;
  const windows = view.windows(everything, (damage) => {
    end = Math.max(end, damage.to);
  });
  for await (const { start } of windows) return Math.max(end, start + periods[period].windowMs);
  return end;
}

const partialReason = 'an earlier part of its row was damaged';
