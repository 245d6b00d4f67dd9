/**
 * Salvages the readable records of the journal files of a folder under repair. They become journal
 * rows in the database, since a repaired folder has no journal file.
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
  /** The minutes in its records, with the total of the last record of each. */
  readonly open: Meta['open'];
  /** The number of its last write; 0 if it has no record. */
  readonly lastWrite: number;
  /** What is wrong with it; undefined if it is intact. */
  readonly damage: string | undefined;
  /** Whether records may be missing at its end. */
  readonly isShort: boolean;
}

/** @param meta the folder's; undefined if it is lost, and then all journals are read */
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

/** A row for each second, with each window as in the last record that has it. */
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
