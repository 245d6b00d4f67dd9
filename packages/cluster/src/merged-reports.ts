/**
 * The reports of a cluster as a merger keeps them: each node's windows, and what its reports are.
 * Nothing is merged here. Reading merges the parts of the nodes with the report's own `merge`
 * (report-view.ts), so a report that is loaded later finds everything, and a broken one breaks no
 * merger.
 *
 * Invariant, which a property test checks: the rows depend only on the set of messages, not on their
 * order or repetition.
 */
import { alignDown, min, type PeriodName, periods } from '@reto3/core';
import { parseKey, rowKey, rowMsOf } from '@reto3/engine';
import { addWindows, type Digest } from './digest.ts';
import type { TakenRows } from './merged-minute.ts';
import type { NodeReport } from './node-report.ts';
import { noMarks, type ReportMessage } from './report-message.ts';
import { ReportPart } from './report-part.ts';

/** What a merger knows about the reports of a node. */
export interface NodeReports {
  readonly node: string;
  /** The (boot, revision) of `reports` and `marks`. */
  boot: number;
  revision: number;
  /** Windows from earlier boots are void. */
  voids: number;
  reports: readonly NodeReport[];
  marks: Readonly<Record<PeriodName, number>>;
}

/** The rows that are not in memory. Reads are synchronous, so that a message is merged at once. */
export interface StoredParts {
  /** By period: older rows are no longer kept, epoch ms. */
  readonly deletedBefore: Readonly<Record<PeriodName, number>>;
  readReport(key: Uint8Array): Uint8Array | undefined;
  /** A row is damaged, and becomes empty. */
  damagedReport?(node: string, start: number, report: string): void;
}

interface RowName {
  readonly report: string;
  readonly period: PeriodName;
  readonly start: number;
  readonly node: string;
}

/** A node's part of a row. */
export interface NodeRow extends RowName {
  readonly key: Uint8Array;
  readonly part: ReportPart;
}

/** So many saved rows stay in memory, since a row that changed will soon change again. */
const mostSavedRows = 1_000;

export class MergedReports {
  readonly #stored: StoredParts;
  readonly #nodes = new Map<string, NodeReports>();
  readonly #rows = new Map<string, NodeRow>();
  readonly #unsaved = new Set<NodeRow>();

  /** @param nodes from the merge row */
  constructor(stored: StoredParts, nodes: Iterable<NodeReports>) {
    this.#stored = stored;
    for (const node of nodes) this.#nodes.set(node.node, { ...node });
  }

  /** Takes a message of a node, which may be repeated, late or lost. */
  apply(node: string, message: ReportMessage): void {
    this.#hear(node, message);
    const { boot, revision, lineage } = message;
    for (const { report, period, start, ...content } of message.windows) {
      const rowStart = alignDown(start, rowMsOf(period));
      if (rowStart < this.#stored.deletedBefore[period]) continue;
      const row = this.#row({ report, period, start: rowStart, node });
      const index = (start - rowStart) / periods[period].windowMs;
      if (row.part.put({ ...content, index, lineage, boot, revision })) this.#unsaved.add(row);
    }
  }

  /** The nodes that sent anything about reports, by name. */
  nodes(): NodeReports[] {
    return [...this.#nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** The reports of a node, as it listed them last. */
  reportsOf(node: string): readonly NodeReport[] {
    return this.#nodes.get(node)?.reports ?? [];
  }

  /** How many rows the store lacks, or has otherwise. */
  get unsavedRows(): number {
    return this.#unsaved.size;
  }

  /** Takes the rows that the store lacks. */
  takeUnsaved(): TakenRows {
    const rows = [...this.#unsaved];
    this.#unsaved.clear();
    return {
      changes: rows.map(({ key, part }) => ({ report: key, bytes: part.encode(key) })),
      putBack: () => {
        // Meanwhile some may have been deleted.
        for (const row of rows) if (this.#rows.has(textOf(row.key))) this.#unsaved.add(row);
      },
    };
  }

  /** Drops the oldest rows that the store has. Not while a save is in progress. */
  forgetSaved(): void {
    if (this.#rows.size - this.#unsaved.size <= mostSavedRows) return;
    const saved = [...this.#rows].filter(([, row]) => !this.#unsaved.has(row));
    saved.sort(([, a], [, b]) => a.start - b.start);
    for (const [name] of saved.slice(0, -mostSavedRows)) this.#rows.delete(name);
  }

  /** Drops the rows that are no longer kept. */
  forgetDeleted(): void {
    for (const [name, row] of this.#rows) {
      if (row.start >= this.#stored.deletedBefore[row.period]) continue;
      this.#rows.delete(name);
      this.#unsaved.delete(row);
    }
  }

  /** The rows of a report and period that are in memory, in no order. */
  inMemory(report: string, period: PeriodName): readonly NodeRow[] {
    return [...this.#rows.values()].filter((row) => row.report === report && row.period === period);
  }

  /**
   * The digest of a node's windows in a minute, epoch ms.
   * @param lineage of the node's folder; from other folders a merger may have more
   */
  digest(
    node: string,
    lineage: number,
    { report, period }: Pick<RowName, 'report' | 'period'>,
    minute: number,
  ): Digest | undefined {
    const { windowMs } = periods[period];
    const leastBoot = this.#nodes.get(node)?.voids ?? 0;
    const digests: Digest[] = [];
    for (let start = minute; start < minute + min.windowMs; start += rowMsOf(period)) {
      const name = { report, period, start, node };
      const key = keyOf(name);
      const part = this.#rows.get(textOf(key))?.part ?? this.#read(key, name);
      const windows = part.windows(leastBoot).filter((window) => window.lineage === lineage);
      windows.sort((a, b) => a.index - b.index);
      addWindows(
        digests,
        windows.map((window) => ({ ...window, start: start + window.index * windowMs })),
      );
    }
    return digests[0];
  }

  #row(name: RowName): NodeRow {
    const key = keyOf(name);
    let row = this.#rows.get(textOf(key));
    if (row === undefined) {
      row = { ...name, key, part: this.#read(key, name) };
      this.#rows.set(textOf(key), row);
    }
    return row;
  }

  #read(key: Uint8Array, { node, start, report }: RowName): ReportPart {
    const bytes = this.#stored.readReport(key);
    if (bytes === undefined) return new ReportPart();
    const part = ReportPart.decode(bytes, key);
    if (part === undefined) this.#stored.damagedReport?.(node, start, report);
    return part ?? new ReportPart();
  }

  #hear(name: string, { boot, revision, voids, reports, marks }: ReportMessage): void {
    const node = this.#nodes.get(name) ?? newNode(name);
    this.#nodes.set(name, node);
    node.voids = Math.max(node.voids, voids);
    if (boot > node.boot) Object.assign(node, { boot, revision: 0, marks: noMarks });
    if (boot < node.boot) return;
    if (reports !== undefined && revision >= node.revision)
      Object.assign(node, { reports, revision });
    const furthest = (period: PeriodName): number => Math.max(node.marks[period], marks[period]);
    node.marks = { ms10: furthest('ms10'), sec: furthest('sec'), min: furthest('min') };
  }
}

function newNode(node: string): NodeReports {
  return { node, boot: 0, revision: 0, voids: 0, reports: [], marks: noMarks };
}

/** The key of a part: that of the row, then the node's name. */
function keyOf({ report, period, start, node }: RowName): Uint8Array {
  return Buffer.concat([rowKey(report, period, start), Buffer.from(node, 'latin1')]);
}

/** The contents of a part's key; undefined if it is none. */
export function parsePartKey(key: Uint8Array): RowName | undefined {
  const text = textOf(key);
  const begin = text.indexOf('/', text.indexOf('/') + 1) + 1;
  const end = begin + timeBytes;
  const row = begin > 1 ? parseKey(key.subarray(0, end)) : undefined;
  if (row === undefined || 'facts' in row || text.length <= end) return undefined;
  return { ...row, node: text.slice(end) };
}

const timeBytes = 6;

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** The names of all reports that any node has. */
export function reportNames(nodes: readonly NodeReports[]): string[] {
  return [...new Set(nodes.flatMap(({ reports }) => reports.map(({ name }) => name)))].sort();
}
