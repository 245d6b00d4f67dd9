/**
 * Readers of what is stored in the database and the journal, and of nothing else: `StoredCounts`
 * for publishers, which may not publish a count that a crash would lose, and `BackupSource` for
 * backups.
 */
import {
  copyOf,
  isAnyCounted,
  ms10PerSecond,
  type OnDamage,
  sec,
  secondsPerMinute,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { Minute } from '../ring/minute.ts';
import { encodeWindows } from '../store/codec.ts';
import { type metaKeys, rowName, type Series } from '../store/keys.ts';
import { encodeMeta, type Meta, withoutJournal } from '../store/meta.ts';
import { overlaid } from '../store/overlaid.ts';
import type { ReportRange } from '../store/report-rows.ts';
import type { EncodedRow, Row, RowRange } from '../store/rows.ts';
import type { StoreSnapshot } from '../store/snapshot.ts';

/** The blocks, and the minutes in memory as of the last record. */
export class StoredCounts {
  /** The number of the last write that it contains. */
  readonly revision: number;
  readonly #snapshot: StoreSnapshot;
  readonly #recorded: ReadonlyMap<number, Windows>;

  constructor(snapshot: StoreSnapshot, revision: number, minutes: readonly Minute[]) {
    this.#snapshot = snapshot;
    this.revision = revision;
    this.#recorded = new Map(minutes.map((minute) => [minute.start, copyOf(minute.recorded())]));
  }

  /** The ms10 windows of the minutes that start within the range, in order of time. */
  minutes({ from, to }: RowRange, onDamage: OnDamage): AsyncGenerator<Row> {
    const compare = (a: Row, b: Row): number => a.start - b.start;
    const recorded = [...this.#recorded]
      .filter(([start]) => start >= from && start < to)
      .map(([start, windows]): Row => ({ start, windows }));
    // A minute in memory is never behind its block.
    const stored = this.#snapshot.rows('ms10', { from, to }, onDamage);
    return overlaid(stored, recorded.sort(compare), compare);
  }

  /** The rows of reports as stored, unverified, in order of their keys. */
  reports(range: ReportRange): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    return this.#snapshot.reports(range);
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }
}

/** The rows of a backup: those of the store, and the open minutes as journal rows. */
export class BackupSource {
  readonly #snapshot: StoreSnapshot;
  readonly #meta: string;
  readonly #journal: readonly EncodedRow[];

  constructor(snapshot: StoreSnapshot, meta: Meta, unclosed: readonly Minute[]) {
    this.#snapshot = snapshot;
    this.#journal = unclosed.flatMap(journalRows).sort((a, b) => a.start - b.start);
    const open = unclosed.map(({ start, total }) => ({ start, total }));
    this.#meta = encodeMeta(withoutJournal({ ...meta, open }));
  }

  /** A row of the sublevel meta, as stored. */
  async text(name: keyof typeof metaKeys): Promise<string | undefined> {
    return name === 'node' ? this.#meta : this.#snapshot.text(name);
  }

  /** The rows of a series as stored, unverified, in order of time. */
  async *encodedRows(series: Series, range: RowRange): AsyncGenerator<EncodedRow> {
    if (series === 'journal') yield* this.#journal;
    else yield* this.#snapshot.encodedRows(series, range);
  }

  reports(range: ReportRange): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    return this.#snapshot.reports(range);
  }

  parts(): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    return this.#snapshot.parts();
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }
}

/** A row for each second of a minute that has a counted window. */
function journalRows(minute: Minute): EncodedRow[] {
  const rows: EncodedRow[] = [];
  for (let second = 0; second < secondsPerMinute; second++) {
    const first = second * ms10PerSecond;
    const windows = sliceOf(minute.ms10, first, first + ms10PerSecond);
    if (!isAnyCounted(windows)) continue;
    const start = minute.start + second * sec.windowMs;
    rows.push({ start, bytes: encodeWindows(windows, rowName('journal', start)) });
  }
  return rows;
}
