/**
 * The reports of a cluster, as a merger keeps them: what each node said of each window, and what
 * its reports are. Nothing is merged here; whoever reads merges the parts of the nodes with the
 * report's own `merge` (report-view.ts), so a report that is loaded later finds all that came
 * before, and one that is broken breaks no merger.
 *
 * Invariant, held by a property test: what is kept depends on the set of messages alone, not on
 * their order, nor on how often each comes.
 */
import { alignDown, min, type PeriodName, periods } from '@reto3/core';
import { type Change, parseKey, rowKey, rowMsOf } from '@reto3/engine';
import { addWindows, type Digest } from './digest.ts';
import type { NodeReport } from './node-report.ts';
import type { ReportMessage } from './report-message.ts';
import { ReportPart } from './report-part.ts';

/** What is known of the reports of one node. */
export interface NodeReports {
  readonly node: string;
  /** The (boot, revision) that `reports` and `marks` are of. */
  boot: number;
  revision: number;
  /** What boots before that one said is void. */
  voids: number;
  reports: readonly NodeReport[];
  marks: Readonly<Record<PeriodName, number>>;
}

/** The rows that are not in memory. Reads are synchronous, so that a message is taken at once. */
export interface StoredParts {
  readReport(key: Uint8Array): Uint8Array | undefined;
  /** A row is damaged: it is begun anew. */
  damagedReport?(node: string, start: number, report: string): void;
}

interface Row {
  readonly report: string;
  readonly period: PeriodName;
  readonly node: string;
  readonly key: Uint8Array;
  readonly start: number;
  readonly part: ReportPart;
}

/** So many rows that nothing is to be saved of stay in memory: those that change come again soon. */
const mostIdleRows = 1_000;

export class MergedReports {
  readonly #stored: StoredParts;
  readonly #nodes = new Map<string, NodeReports>();
  readonly #rows = new Map<string, Row>();
  readonly #unsaved = new Set<Row>();
  #keptFrom: Readonly<Record<PeriodName, number>>;

  /**
   * @param nodes as they were saved
   * @param keptFrom by period: what is older is no longer kept, epoch ms
   */
  constructor(
    stored: StoredParts,
    nodes: Iterable<NodeReports>,
    keptFrom: Readonly<Record<PeriodName, number>>,
  ) {
    this.#stored = stored;
    this.#keptFrom = keptFrom;
    for (const node of nodes) this.#nodes.set(node.node, { ...node });
  }

  /** Takes a message of a node. It may come again, late, or never. */
  apply(name: string, message: ReportMessage): void {
    this.#hear(name, message);
    const { boot, revision, lineage } = message;
    for (const { report, period, start, bytes, tooLarge, partial } of message.windows) {
      const rowStart = alignDown(start, rowMsOf(period));
      if (rowStart < this.#keptFrom[period]) continue;
      const row = this.#row({ report, period, start: rowStart, node: name });
      const index = (start - rowStart) / periods[period].windowMs;
      const said = { index, lineage, boot, revision, bytes, tooLarge, partial };
      if (row.part.put(said)) this.#unsaved.add(row);
    }
  }

  /** What is known of the nodes that said anything of reports, by name. */
  nodes(): NodeReports[] {
    return [...this.#nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** How many rows the store lacks. */
  get unsavedRows(): number {
    return this.#unsaved.size;
  }

  /** The rows that the store does not have as they are; from now on it is taken to have them. */
  takeUnsaved(): Change[] {
    const changes = [...this.#unsaved].map(({ key, part }) => ({
      report: key,
      bytes: part.encode(key),
    }));
    this.#unsaved.clear();
    return changes;
  }

  /** A write of these changes failed. */
  putBack(changes: readonly Change[]): void {
    for (const change of changes) {
      const row = 'report' in change ? this.#rows.get(textOf(change.report)) : undefined;
      if (row !== undefined) this.#unsaved.add(row);
    }
  }

  /** Lets go of rows that are saved, the oldest first. To be called when no save is under way. */
  forget(): void {
    if (this.#rows.size - this.#unsaved.size <= mostIdleRows) return;
    const idle = [...this.#rows].filter(([, row]) => !this.#unsaved.has(row));
    idle.sort(([, a], [, b]) => a.start - b.start);
    for (const [name] of idle.slice(0, Math.max(0, idle.length - mostIdleRows)))
      this.#rows.delete(name);
  }

  /** What is older is no longer kept, epoch ms. */
  keepFrom(keptFrom: Readonly<Record<PeriodName, number>>): void {
    this.#keptFrom = keptFrom;
    for (const [name, row] of this.#rows) {
      if (row.start >= keptFrom[row.period]) continue;
      this.#rows.delete(name);
      this.#unsaved.delete(row);
    }
  }

  /** The parts in memory of a report's rows that start in the range, by row and node, as they are. */
  inMemory(report: string, period: PeriodName): Map<number, Map<string, ReportPart>> {
    const rows = new Map<number, Map<string, ReportPart>>();
    for (const row of this.#rows.values()) {
      if (row.report !== report || row.period !== period) continue;
      const nodes = rows.get(row.start) ?? new Map<string, ReportPart>();
      rows.set(row.start, nodes.set(row.node, row.part));
    }
    return rows;
  }

  /** What is older is no longer kept, epoch ms. */
  keptFrom(period: PeriodName): number {
    return this.#keptFrom[period];
  }

  /**
   * The digest of what there is of a node in a minute of a report, epoch ms.
   * @param lineage of the node's folder: of another one it may have had more
   */
  digest(
    node: string,
    lineage: number,
    { report, period }: Pick<Row, 'report' | 'period'>,
    minute: number,
  ): Digest | undefined {
    const { windowMs } = periods[period];
    const leastBoot = this.#nodes.get(node)?.voids ?? 0;
    const digests: Digest[] = [];
    for (let start = minute; start < minute + min.windowMs; start += rowMsOf(period)) {
      const named = { report, period, start, node };
      const key = keyOf(named);
      const part = this.#rows.get(textOf(key))?.part ?? this.#read(key, named);
      const said = part.windows(leastBoot).filter((one) => one.lineage === lineage);
      said.sort((a, b) => a.index - b.index);
      addWindows(
        digests,
        said.map(({ index, bytes, tooLarge, partial }) => {
          return { start: start + index * windowMs, bytes, tooLarge, partial };
        }),
      );
    }
    return digests[0];
  }

  #row(named: Omit<Row, 'key' | 'part'>): Row {
    const key = keyOf(named);
    const name = textOf(key);
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { ...named, key, part: this.#read(key, named) };
      this.#rows.set(name, row);
    }
    return row;
  }

  #read(key: Uint8Array, { node, start, report }: Omit<Row, 'key' | 'part'>): ReportPart {
    const bytes = this.#stored.readReport(key);
    if (bytes === undefined) return new ReportPart();
    const part = ReportPart.decode(bytes, key);
    if (part === undefined) this.#stored.damagedReport?.(node, start, report);
    return part ?? new ReportPart();
  }

  #hear(name: string, message: ReportMessage): void {
    const { boot, revision, voids, reports, marks } = message;
    const node = this.#nodes.get(name) ?? newNode(name);
    this.#nodes.set(name, node);
    node.voids = Math.max(node.voids, voids);
    if (boot > node.boot) Object.assign(node, { boot, revision: 0, marks: noMarks });
    if (boot < node.boot) return;
    // Whatever order they come in, the newest word on reports is that of the highest revision.
    if (reports !== undefined && revision >= node.revision)
      Object.assign(node, { reports, revision });
    const furthest = (period: PeriodName): number => Math.max(node.marks[period], marks[period]);
    node.marks = { ms10: furthest('ms10'), sec: furthest('sec'), min: furthest('min') };
  }
}

const noMarks: Readonly<Record<PeriodName, number>> = { ms10: 0, sec: 0, min: 0 };

function newNode(node: string): NodeReports {
  return { node, boot: 0, revision: 0, voids: 0, reports: [], marks: noMarks };
}

/** The key of a node's part of a row: that of the row, then the node's name. */
function keyOf({ report, period, start, node }: Omit<Row, 'key' | 'part'>): Uint8Array {
  return Buffer.concat([rowKey(report, period, start), Buffer.from(node, 'latin1')]);
}

/** What the key of a part names; undefined where it is none. */
export function parsePartKey(key: Uint8Array) {
  const text = textOf(key);
  const begin = text.indexOf('/', text.indexOf('/') + 1) + 1;
  const end = begin + timeBytes;
  const named = begin > 1 ? parseKey(key.subarray(0, end)) : undefined;
  if (named === undefined || 'facts' in named || text.length <= end) return undefined;
  return { ...named, node: text.slice(end) };
}

const timeBytes = 6;

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** The names of all reports that any node has. */
export function reportNames(nodes: readonly NodeReports[]): string[] {
  return [...new Set(nodes.flatMap(({ reports }) => reports.map(({ name }) => name)))].sort();
}
