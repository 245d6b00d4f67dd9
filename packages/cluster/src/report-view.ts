/**
 * The windows of a cluster's report: the parts of all nodes, merged with the report's own `merge`.
 * Windows that cannot be merged are left out and named.
 */
import { alignDown, messageOf, type OnDamage, type PeriodName, periods } from '@reto3/core';
import { overlaid, rowMsOf, rowRange, type Store, type StoreSnapshot } from '@reto3/engine';
import {
  newestEndOf,
  type ReadRange,
  type Report,
  type ReportWindows,
  reportFingerprint,
  type StoredWindow,
} from '@reto3/reports';
import { decodeMergeRecord } from './merge-record.ts';
import { type NodeReports, type NodeRow, parsePartKey } from './merged-reports.ts';
import { type PartWindow, ReportPart } from './report-part.ts';

export interface ClusterReportParts {
  readonly report: Report;
  readonly period: PeriodName;
  /** The one node to read; undefined: all. */
  readonly only?: string | undefined;
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  readonly nodes: readonly NodeReports[];
  /** Parts that replace those in the store, in no order. */
  readonly memory: readonly NodeRow[];
  readonly store: Pick<StoreSnapshot, 'reports' | 'close'>;
}

/** A node's part of a window. */
interface Share {
  readonly node: string;
  readonly window: PartWindow;
}

type Row = readonly [start: number, parts: readonly NodeRow[]];

export class ClusterReportView implements ReportWindows {
  readonly finalThrough: number;
  readonly #parts: ClusterReportParts;
  readonly #leastBoot: ReadonlyMap<string, number>;
  /** Why the parts of a node are left out. */
  readonly #refused: ReadonlyMap<string, string>;

  constructor(parts: ClusterReportParts) {
    this.#parts = parts;
    this.finalThrough = parts.finalThrough;
    this.#leastBoot = new Map(parts.nodes.map(({ node, voids }) => [node, voids]));
    this.#refused = refusedNodes(parts.report, parts.nodes);
  }

  /** Of a merger's folder that no server holds, in which everything is final. */
  static async ofFolder(
    parts: Omit<ClusterReportParts, 'finalThrough' | 'memory'>,
  ): Promise<ClusterReportView> {
    const all = { ...parts, memory: [] };
    const finalThrough = await new ClusterReportView({ ...all, finalThrough: 0 }).newestEnd();
    return new ClusterReportView({ ...all, finalThrough });
  }

  newestEnd(): Promise<number> {
    return newestEndOf(this, this.#parts.period);
  }

  async *windows(range: ReadRange, onDamage: OnDamage): AsyncGenerator<StoredWindow> {
    const { period } = this.#parts;
    const { from, to, reverse = false } = range;
    const { windowMs } = periods[period];
    for await (const row of this.#rows(range, onDamage)) {
      const [rowStart] = row;
      const byIndex = this.#shares(row, onDamage);
      const indexes = [...byIndex.keys()].sort((a, b) => (reverse ? b - a : a - b));
      for (const index of indexes) {
        const start = rowStart + index * windowMs;
        if (start < from || start >= to) continue;
        const place = { series: period, from: start, to: start + windowMs };
        const bytes = this.#merge(byIndex.get(index) ?? [], (reason) =>
          onDamage({ ...place, reason }),
        );
        if (bytes !== undefined) yield { start, bytes };
      }
    }
  }

  close(): Promise<void> {
    return this.#parts.store.close();
  }

  /** The rows of the range with the parts of their nodes, in order of time. */
  async *#rows(range: ReadRange, onDamage: OnDamage): AsyncGenerator<Row> {
    let row: readonly [start: number, parts: NodeRow[]] | undefined;
    for await (const part of this.#nodeRows(range, onDamage)) {
      if (row !== undefined && row[0] !== part.start) yield row;
      if (row?.[0] !== part.start) row = [part.start, []];
      row[1].push(part);
    }
    if (row !== undefined) yield row;
  }

  /** The parts of those rows, in the order of their keys. */
  #nodeRows({ from, to, reverse = false }: ReadRange, onDamage: OnDamage): AsyncGenerator<NodeRow> {
    const { period, only, memory } = this.#parts;
    const firstRow = alignDown(from, rowMsOf(period));
    const order = reverse ? -1 : 1;
    const compare = (a: NodeRow, b: NodeRow): number => order * Buffer.compare(a.key, b.key);
    const inMemory = memory.filter(
      ({ start, node }) => start >= firstRow && start < to && (only ?? node) === node,
    );
    const stored = this.#storedRows({ from: firstRow, to, reverse }, onDamage);
    return overlaid(stored, inMemory.sort(compare), compare);
  }

  async *#storedRows(
    { from, to, reverse = false }: ReadRange,
    onDamage: OnDamage,
  ): AsyncGenerator<NodeRow> {
    const { report, period, only, store } = this.#parts;
    if (from >= to) return;
    const keys = { ...rowRange(report.name, period, from, to), reverse };
    for await (const [key, bytes] of store.reports(keys)) {
      const name = parsePartKey(key);
      if (name === undefined || (only ?? name.node) !== name.node) continue;
      const part = ReportPart.decode(bytes, key);
      if (part === undefined) {
        const place = { from: name.start, to: name.start + rowMsOf(period) };
        onDamage({ series: period, ...place, reason: `the part of ${name.node} is damaged` });
      } else yield { ...name, key, part };
    }
  }

  /** The parts of each window of a row, without those of other reports of that name. */
  #shares([start, parts]: Row, onDamage: OnDamage): ReadonlyMap<number, readonly Share[]> {
    const { period } = this.#parts;
    const byIndex = new Map<number, Share[]>();
    for (const { node, part } of [...parts].sort((a, b) => (a.node < b.node ? -1 : 1))) {
      const windows = part.windows(this.#leastBoot.get(node) ?? 0);
      const refused = this.#refused.get(node);
      if (refused !== undefined && windows.length > 0) {
        const place = { from: start, to: start + rowMsOf(period) };
        onDamage({ series: period, ...place, reason: refused });
        continue;
      }
      for (const window of windows) {
        const shares = byIndex.get(window.index) ?? [];
        shares.push({ node, window });
        byIndex.set(window.index, shares);
      }
    }
    return byIndex;
  }

  /** The merged accumulator of all shares, encoded; undefined if there is none. */
  #merge(shares: readonly Share[], onDamage: (reason: string) => void): Uint8Array | undefined {
    const { report } = this.#parts;
    const whole: Share[] = [];
    for (const share of shares) {
      const { tooLarge, partial } = share.window;
      if (tooLarge > 0)
        onDamage(`node ${share.node} has ${tooLarge} bytes of it, more than its NATS takes`);
      else whole.push(share);
      if (partial) onDamage(`an earlier part of it was damaged on node ${share.node}`);
    }
    const [only] = whole;
    if (whole.length === 1) return only?.window.bytes;
    let merged: { readonly accumulator: unknown } | undefined;
    for (const { node, window } of whole) {
      try {
        const accumulator = report.decode(window.bytes);
        merged = {
          accumulator:
            merged === undefined ? accumulator : report.merge(merged.accumulator, accumulator),
        };
      } catch (error) {
        // `merge` may have changed the accumulator by half.
        onDamage(`the part of node ${node} cannot be merged: ${messageOf(error)}`);
        return undefined;
      }
    }
    try {
      // Without the size limit of a node's accumulators, which a sum of two may exceed.
      return merged && report.encode(merged.accumulator);
    } catch (error) {
      onDamage(`the parts of its nodes cannot be merged: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** The nodes that run another report of that name, with the reason for leaving them out. */
export function refusedNodes(
  report: Report,
  nodes: readonly NodeReports[],
): ReadonlyMap<string, string> {
  const code = reportFingerprint(report);
  const refused = new Map<string, string>();
  for (const { node, reports } of nodes) {
    const known = reports.find(({ name }) => name === report.name);
    if (known?.code === undefined || known.code === code) continue;
    const text = `node ${node} runs another report of that name (${known.code}, here ${code})`;
    refused.set(node, text);
  }
  return refused;
}

/** The reports of each node, from a merger's folder. */
export async function readNodeReports(
  store: Pick<Store, 'readMerge'>,
): Promise<readonly NodeReports[]> {
  const text = await store.readMerge();
  return (text === undefined ? undefined : decodeMergeRecord(text, 0))?.reports ?? [];
}
