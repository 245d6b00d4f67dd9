/**
 * Takes what can be read of the journal of a folder that is being repaired, as the journal rows of a
 * folder without a journal file: a repaired folder has none.
 */
import {
  alignDown,
  allocateWindows,
  ms10,
  ms10PerSecond,
  sec,
  secondsOnly,
  type Windows,
} from '@reto3/core';
import type { JournalFolder } from '../journal/journal-folder.ts';
import { readJournals } from '../journal/read.ts';
import type { JournalRecord } from '../journal/record.ts';
import type { Meta } from '../store/meta.ts';
import type { Change } from '../store/store.ts';

export interface SalvagedJournal {
  readonly changes: readonly Change[];
  /** What the minutes of which it tells add up to by its last word. */
  readonly open: Meta['open'];
  readonly lastWrite: number;
  /** What is the matter with it. */
  readonly damage: string | undefined;
  /** Whether records may be missing that nobody knows of. */
  readonly isShort: boolean;
}

/** @param meta of the folder; undefined where that is lost: then every journal is read */
export async function salvageJournal(
  journals: JournalFolder,
  meta: Meta | undefined,
): Promise<SalvagedJournal> {
  const isAbsent = meta !== undefined && meta.journal === undefined;
  const { records, damage, isShort } = isAbsent
    ? { records: [], damage: undefined, isShort: false }
    : await readJournals(journals, meta?.journal?.id);
  const lastWrite = records.reduce((last, { sequence }) => Math.max(last, sequence), 0);
  const reports = records.flatMap(({ rows }) => rows);
  const totals = new Map(
    records.flatMap(({ minutes }) => minutes.map(({ start, total }) => [start, total] as const)),
  );
  return {
    changes: [
      ...rowsOf(records),
      ...reports.map(({ key, bytes }): Change => ({ report: key, bytes })),
    ],
    open: [...totals].map(([start, total]) => ({ start, total })),
    lastWrite,
    damage,
    isShort: isShort || lastWrite < (meta?.journal?.through ?? 0),
  };
}

/** A row for each second, with the windows of it as the last record has them. */
function rowsOf(records: readonly JournalRecord[]): Change[] {
  const seconds = new Map<number, Windows>();
  for (const { start: minute, windows, secondsOnly: coarse } of records.flatMap(
    (record) => record.minutes,
  )) {
    for (const { window, count, revised } of windows) {
      const start = alignDown(minute + window * ms10.windowMs, sec.windowMs);
      const row = seconds.get(start) ?? allocateWindows(ms10PerSecond);
      const at = window % ms10PerSecond;
      row.counts[at] = count;
      row.counted[at] = Math.max(1, row.counted[at] ?? 0);
      if (revised) row.revised[at] = 1;
      seconds.set(start, row);
    }
    for (const second of coarse)
      seconds.get(minute + second * sec.windowMs)?.counted.fill(secondsOnly);
  }
  return [...seconds].map(([start, windows]) => ({ put: 'journal', start, windows }));
}
