/**
 * What a report of the cluster says: the parts of all nodes, window by window, merged with the
 * report's own `merge`. What cannot be merged is left out and named, never taken for something else.
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
import { ReportPart, type Said } from './report-part.ts';

export interface ClusterReportParts {
  readonly report: Report;
  readonly period: PeriodName;
  /** The one node whose parts are read; of all where it is absent. */
  readonly only?: string | undefined;
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  readonly nodes: readonly NodeReports[];
  /** Rows in memory, which win over the store: by row, then by node. */
  readonly memory: ReadonlyMap<number, ReadonlyMap<string, ReportPart>>;
  readonly store: Pick<StoreSnapshot, 'reports' | 'close'>;
}

/** What one node has of one window. */
interface Share {
  readonly node: string;
  readonly said: Said;
}

export class ClusterReportView implements ReportWindows {
  readonly finalThrough: number;
  readonly #parts: ClusterReportParts;
  readonly #leastBoot: ReadonlyMap<string, number>;
  /** Why a node's parts are left out. */
  readonly #refused: ReadonlyMap<string, string>;

  constructor(parts: ClusterReportParts) {
    this.#parts = parts;
    this.finalThrough = parts.finalThrough;
    this.#leastBoot = new Map(parts.nodes.map(({ node, voids }) => [node, voids]));
    this.#refused = refusedNodes(parts.report, parts.nodes);
  }

  /** Of a merger's folder that no server holds: nothing comes any more, so all is final. */
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
  async *#rows(
    { from, to, reverse = false }: ReadRange,
    onDamage: OnDamage,
  ): AsyncGenerator<readonly [start: number, nodes: ReadonlyMap<string, ReportPart>]> {
    const { report, period, only, memory, store } = this.#parts;
    const firstRow = alignDown(from, rowMsOf(period));
    const pending = [...memory.keys()].filter((start) => start >= firstRow && start < to);
    pending.sort((a, b) => (reverse ? b - a : a - b));
    const comesBefore = (a: number, b: number): boolean => (reverse ? a > b : a < b);
    const inMemory = (start: number) =>
      [...(memory.get(start) ?? [])].filter(([node]) => only === undefined || node === only);
    let row: { readonly start: number; readonly nodes: Map<string, ReportPart> } | undefined;
    const withMemory = (start: number, nodes: ReadonlyMap<string, ReportPart>) =>
      [start, new Map([...nodes, ...inMemory(start)])] as const;
    if (firstRow < to) {
      const keys = { ...rowRange(report.name, period, firstRow, to), reverse };
      for await (const [key, bytes] of store.reports(keys)) {
        const named = parsePartKey(key);
        if (named === undefined || (only !== undefined && named.node !== only)) continue;
        if (row !== undefined && row.start !== named.start) {
          yield withMemory(row.start, row.nodes);
          row = undefined;
        }
        while (pending[0] !== undefined && comesBefore(pending[0], named.start))
          yield withMemory(pending.shift() ?? 0, new Map());
        if (pending[0] === named.start) pending.shift();
        row ??= { start: named.start, nodes: new Map() };
        const part = ReportPart.decode(bytes, key);
        if (part === undefined) {
          const place = { from: named.start, to: named.start + rowMsOf(period) };
          onDamage({ series: period, ...place, reason: `the part of ${named.node} is damaged` });
        } else row.nodes.set(named.node, part);
      }
      if (row !== undefined) yield withMemory(row.start, row.nodes);
    }
    for (const start of pending) yield withMemory(start, new Map());
  }

  /** What the nodes have of each window of a row, without those that cannot be merged. */
  #shares(
    rowStart: number,
    nodes: ReadonlyMap<string, ReportPart>,
    onDamage: OnDamage,
  ): ReadonlyMap<number, readonly Share[]> {
    const { period } = this.#parts;
    const byIndex = new Map<number, Share[]>();
    for (const [node, part] of [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const said = part.windows(this.#leastBoot.get(node) ?? 0);
      const refused = this.#refused.get(node);
      if (refused !== undefined && said.length > 0) {
        const place = { from: rowStart, to: rowStart + rowMsOf(period) };
        onDamage({ series: period, ...place, reason: refused });
        continue;
      }
      for (const one of said) {
        const shares = byIndex.get(one.index) ?? [];
        shares.push({ node, said: one });
        byIndex.set(one.index, shares);
      }
    }
    return byIndex;
  }

  /** The accumulator of all shares, encoded; undefined where none can be had. */
  #merge(shares: readonly Share[], onDamage: (reason: string) => void): Uint8Array | undefined {
    const { report } = this.#parts;
    const whole: Share[] = [];
    for (const share of shares) {
      const { tooLarge, partial } = share.said;
      if (tooLarge > 0)
        onDamage(`node ${share.node} has ${tooLarge} bytes of it, more than its NATS takes`);
      else whole.push(share);
      if (partial) onDamage(`an earlier part of it was damaged on node ${share.node}`);
    }
    const [only] = whole;
    if (whole.length === 1) return only?.said.bytes;
    let merged: { readonly accumulator: unknown } | undefined;
    for (const { node, said } of whole) {
      try {
        const accumulator = report.decode(said.bytes);
        merged = {
          accumulator:
            merged === undefined ? accumulator : report.merge(merged.accumulator, accumulator),
        };
      } catch (error) {
        // What was merged so far may be half changed.
        onDamage(`the part of node ${node} cannot be merged: ${messageOf(error)}`);
        return undefined;
      }
    }
    try {
      // The bound of a node's accumulators is none of the sum's: two that are whole make a larger one.
      return merged && report.encode(merged.accumulator);
    } catch (error) {
      onDamage(`the parts of its nodes cannot be merged: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** The nodes whose report of that name is another one, with what to say of them. */
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

/** What the folder of a merger says of the reports of its nodes. */
export async function readNodeReports(
  store: Pick<Store, 'readMerge'>,
): Promise<readonly NodeReports[]> {
  const text = await store.readMerge();
  return (text === undefined ? undefined : decodeMergeRecord(text, 0))?.reports ?? [];
}
