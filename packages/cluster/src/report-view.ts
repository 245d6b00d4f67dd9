/**
 * The windows of a cluster's report: the parts of all nodes, merged with the report's own `merge`.
 * Windows that cannot be merged are left out and named.
 */
import { alignDown, messageOf, type OnDamage, type PeriodName, periods } from '@reto3/core';
import { rowMsOf, rowRange, type Store, type StoreSnapshot } from '@reto3/engine';
import {
  newestEndOf,
  type ReadRange,
  type Report,
  type ReportWindows,
  reportFingerprint,
  type StoredWindow,
} from '@reto3/reports';
import { decodeMergeRecord } from './merge-record.ts';
import { type NodeReports, parsePartKey } from './merged-reports.ts';
import { type PartWindow, ReportPart } from './report-part.ts';

export interface ClusterReportParts {
  readonly report: Report;
  readonly period: PeriodName;
  /** The one node to read; undefined: all. */
  readonly only?: string | undefined;
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  readonly nodes: readonly NodeReports[];
  /** Parts that replace those in the store, by start and node. */
  readonly memory: ReadonlyMap<number, ReadonlyMap<string, ReportPart>>;
  readonly store: Pick<StoreSnapshot, 'reports' | 'close'>;
}

/** A node's part of a window. */
interface Share {
  readonly node: string;
  readonly window: PartWindow;
}

type Row = readonly [start: number, nodes: ReadonlyMap<string, ReportPart>];

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
    const all = { ...parts, memory: new Map() };
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
    for await (const [rowStart, nodes] of this.#rows(range, onDamage)) {
      const byIndex = this.#shares(rowStart, nodes, onDamage);
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
    const { period, only, memory } = this.#parts;
    const { from, to, reverse = false } = range;
    const firstRow = alignDown(from, rowMsOf(period));
    const inMemory = [...memory.keys()].filter((start) => start >= firstRow && start < to);
    inMemory.sort((a, b) => (reverse ? b - a : a - b));
    const withMemory = (start: number, nodes: Iterable<readonly [string, ReportPart]>): Row => {
      const parts = [...(memory.get(start) ?? [])];
      return [start, new Map([...nodes, ...parts.filter(([node]) => (only ?? node) === node)])];
    };
    for await (const [start, nodes] of this.#storedRows(firstRow, range, onDamage)) {
      const comesFirst = (other = start): boolean => (reverse ? other > start : other < start);
      while (comesFirst(inMemory[0])) yield withMemory(inMemory.shift() ?? 0, []);
      if (inMemory[0] === start) inMemory.shift();
      yield withMemory(start, nodes);
    }
    for (const start of inMemory) yield withMemory(start, []);
  }

  /** The same of the store alone. */
  async *#storedRows(
    firstRow: number,
    { to, reverse = false }: ReadRange,
    onDamage: OnDamage,
  ): AsyncGenerator<Row> {
    const { report, period, only, store } = this.#parts;
    if (firstRow >= to) return;
    let row: readonly [start: number, nodes: Map<string, ReportPart>] | undefined;
    const keys = { ...rowRange(report.name, period, firstRow, to), reverse };
    for await (const [key, bytes] of store.reports(keys)) {
      const name = parsePartKey(key);
      if (name === undefined || (only ?? name.node) !== name.node) continue;
      const { start, node } = name;
      if (row !== undefined && row[0] !== start) yield row;
      if (row?.[0] !== start) row = [start, new Map()];
      const part = ReportPart.decode(bytes, key);
      if (part === undefined) {
        const place = { from: start, to: start + rowMsOf(period) };
        onDamage({ series: period, ...place, reason: `the part of ${node} is damaged` });
      } else row[1].set(node, part);
    }
    if (row !== undefined) yield row;
  }

  /** The parts of each window of a row, without those of other reports of that name. */
  #shares(
    rowStart: number,
    nodes: ReadonlyMap<string, ReportPart>,
    onDamage: OnDamage,
  ): ReadonlyMap<number, readonly Share[]> {
    const { period } = this.#parts;
    const byIndex = new Map<number, Share[]>();
    for (const [node, part] of [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const windows = part.windows(this.#leastBoot.get(node) ?? 0);
      const refused = this.#refused.get(node);
      if (refused !== undefined && windows.length > 0) {
        const place = { from: rowStart, to: rowStart + rowMsOf(period) };
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
