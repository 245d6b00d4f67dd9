/**
 * The counts of one node as the cluster has them, read from the node's parts, minute by minute, for
 * the longer periods too. Nothing is stored twice.
 *
 * Invariant: at any moment the views of all nodes add up to the cluster's, window by window, as far
 * back as there are parts. So they have its `finalThrough`, not the node's own mark.
 */
import { setImmediate } from 'node:timers/promises';
import {
  alignDown,
  alignUp,
  allocateWindows,
  joinWindows,
  ms10,
  type OnDamage,
  overwrite,
  type Period,
  type PeriodName,
  periods,
  reportDamage,
  sec,
  type Windows,
} from '@reto3/core';
import type { CountsView, LiveSource, Row, RowRange, StoreSnapshot } from '@reto3/engine';
import { Minute } from '@reto3/engine/ring';
import type { MergedMinute } from './merged-minute.ts';
import { Part, partName } from './part.ts';
import type { Vouches } from './vouches.ts';

/** A node whose parts are read. */
export interface PartsOfNode {
  readonly name: string;
  /** What it voided, which its stored parts may still hold. */
  readonly vouches: Vouches;
}

/** So many minutes, about two milliseconds, are unpacked before other work gets a turn. */
const minutesAtOnce = 32;

/** Blocks made of a node's parts, in place of stored blocks. */
class PartRows {
  readonly #snapshot: StoreSnapshot;
  readonly #node: PartsOfNode;
  readonly #keptFrom: number;

  /** @param keptFrom older parts are deleted, or about to be; epoch ms */
  constructor(snapshot: StoreSnapshot, node: PartsOfNode, keptFrom: number) {
    this.#snapshot = snapshot;
    this.#node = node;
    this.#keptFrom = keptFrom;
  }

  /**
   * The blocks of a period that start within the range, in order of time.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED for damage, without `onDamage`
   */
  async *rows(name: PeriodName, range: RowRange, onDamage?: OnDamage): AsyncGenerator<Row> {
    const period = periods[name];
    const { reverse = false } = range;
    const minutes = {
      from: Math.max(alignUp(range.from, period.blockMs), this.#keptFrom),
      to: alignUp(range.to, period.blockMs),
      reverse,
    };
    let block: Row | undefined;
    for await (const { start, windows } of this.#minutes(name, minutes, onDamage)) {
      const blockStart = alignDown(start, period.blockMs);
      if (block !== undefined && block.start !== blockStart) yield block;
      if (block?.start !== blockStart)
        block = { start: blockStart, windows: allocateWindows(period.blockWindows) };
      const at = (start - blockStart) / period.windowMs;
      overwrite(block.windows, at, inPeriod(windows, period));
    }
    if (block !== undefined) yield block;
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  /** The ms10 windows of each minute with a part. */
  async *#minutes(name: PeriodName, range: RowRange, onDamage?: OnDamage): AsyncGenerator<Row> {
    let unpacked = 0;
    // A minute with a part has a block.
    for await (const start of this.#snapshot.starts('ms10', range, onDamage)) {
      const windows = this.#windows(name, start, onDamage);
      if (windows === undefined) continue;
      yield { start, windows };
      if (++unpacked % minutesAtOnce === 0) await setImmediate();
    }
  }

  #windows(name: PeriodName, start: number, onDamage?: OnDamage): Windows | undefined {
    const { name: node, vouches } = this.#node;
    const bytes = this.#snapshot.part(start, node, onDamage);
    if (bytes === undefined) return undefined;
    const part = Part.decode(bytes, partName(start, node));
    if (part === undefined) {
      const reason = `the part of ${node} is damaged`;
      reportDamage({ series: name, from: start, to: start + ms10.blockMs, reason }, onDamage);
      return undefined;
    }
    part.applyVouches(start, vouches);
    return part.windows();
  }
}

/** Everything that can be read of a node, with the minutes in memory laid over it. To be closed. */
export function nodeView(
  node: PartsOfNode,
  parts: {
    readonly snapshot: StoreSnapshot;
    readonly minutes: readonly MergedMinute[];
    /** As of `PartRows`. */
    readonly keptFrom: number;
    readonly ends: Pick<CountsView, 'finalThrough' | 'newestEnd'>;
  },
): CountsView {
  const { snapshot, keptFrom } = parts;
  return {
    ...parts.ends,
    oldest: 0,
    minutes: parts.minutes.flatMap((minute) => {
      const windows = minute.part(node.name)?.windows();
      if (windows === undefined) return [];
      const [seconds, whole] = [inPeriod(windows, sec), inPeriod(windows, periods.min)];
      return [new Minute(minute.start, { ms10: windows, sec: seconds, min: whole })];
    }),
    store: new PartRows(snapshot, node, keptFrom),
    deletedBefore: { ms10: keptFrom, sec: keptFrom, min: keptFrom },
  };
}

/** A node's windows, as the cluster's windows become final. */
export function nodeLive(name: string, cluster: LiveSourceOfParts): LiveSource {
  return {
    sweep: () => cluster.sweep(),
    state: () => cluster.state(),
    *minutesInMemory() {
      for (const minute of cluster.minutesInMemory()) {
        const part = minute.part(name);
        if (part === undefined) continue;
        // Each event needs one period of one or two minutes.
        const inPeriodOf = (period: Period): Windows => inPeriod(part.windows(), period);
        yield {
          start: minute.start,
          end: minute.end,
          get ms10() {
            return inPeriodOf(periods.ms10);
          },
          get sec() {
            return inPeriodOf(periods.sec);
          },
          get min() {
            return inPeriodOf(periods.min);
          },
        };
      }
    },
  };
}

interface LiveSourceOfParts extends LiveSource {
  minutesInMemory(): Iterable<MergedMinute>;
}

/** The ms10 windows of a minute as those of a period. */
function inPeriod(windows: Windows, { windowMs }: Period): Windows {
  return windowMs === ms10.windowMs ? windows : joinWindows(windows, windowMs / ms10.windowMs);
}
