/**
 * A merger of one node in virtual time, with everything in memory. It takes messages through the
 * decoder that mergers use, by a clock that is right.
 */
import { type Clock, ms10, type PeriodName, periodNames, periods } from '@reto3/core';
import { decodeIncoming } from '../incoming.ts';
import { MergeState } from '../merge-state.ts';
import type { StoredMinutes } from '../merged-minute.ts';
import { MergedReports } from '../merged-reports.ts';
import { BadMessage } from '../message.ts';
import { NodeReads } from '../node-reads.ts';
import type { Publisher } from '../publisher.ts';
import { Puller } from '../puller.ts';

/** What a cluster or a node has, by `windowName`: counts, and encoded windows of a report. */
export type Windows = Map<string, number | string>;

/** @param of ms10 for counts, or the period of a report's window */
export function windowName(of: 'counts' | PeriodName, start: number): string {
  return `${of} ${start}`;
}

const subjects = 's';
const deletedBefore = { ms10: 0, sec: 0, min: 0 };
const nothingStored: StoredMinutes = {
  part: () => undefined,
  names: () => [],
  block: () => undefined,
};

/** The message as a merger sees it whose clock shows that time; undefined if it rejects it. */
export function heard(node: string, bytes: Uint8Array, nowMs: number) {
  try {
    return decodeIncoming(`${subjects}.${node}`, bytes, { subjects, nowMs });
  } catch (error) {
    if (error instanceof BadMessage) return undefined;
    throw error;
  }
}

export class SimulatedMerger {
  readonly #clock: Clock;
  readonly #node: string;
  readonly #report: string;
  readonly #state = new MergeState({ silentAfterMs: 1_000, stored: nothingStored });
  readonly #reports = new MergedReports({ deletedBefore, readReport: () => undefined }, []);

  /** @param report the name of the node's report */
  constructor(clock: Clock, node: string, report: string) {
    this.#clock = clock;
    this.#node = node;
    this.#report = report;
  }

  /** @param past whether it bypassed the stream */
  take(bytes: Uint8Array, past: boolean): void {
    const now = this.#clock.read();
    const incoming = heard(this.#node, bytes, now.wallMs);
    if (incoming === undefined) return;
    if ('counts' in incoming) this.#state.apply(this.#node, incoming.counts, now, past);
    else this.#reports.apply(this.#node, incoming.reports);
  }

  /** Whether both counts and reports of that boot reached it. */
  knows(boot: number): boolean {
    const [known] = this.#reports.nodes();
    return this.#state.node(this.#node)?.boot === boot && known?.boot === boot;
  }

  /** Up to where it has everything that is final in the node, epoch ms. */
  get mark(): number {
    return this.#state.node(this.#node)?.mark ?? 0;
  }

  windows(): Windows {
    const windows: Windows = new Map();
    for (const minute of this.#state.minutes()) {
      const { counted, counts } = minute.ms10;
      for (const [index, was] of counted.entries())
        if (was === 1)
          windows.set(
            windowName('counts', minute.start + index * ms10.windowMs),
            counts[index] ?? 0,
          );
    }
    const [known] = this.#reports.nodes();
    for (const period of periodNames) {
      for (const { start, part } of this.#reports.inMemory(this.#report, period)) {
        for (const { index, bytes } of part.windows(known?.voids ?? 0)) {
          const name = windowName(period, start + index * periods[period].windowMs);
          if (windows.has(name)) throw new Error(`${name} counts for two folders`);
          windows.set(name, Buffer.from(bytes).toString());
        }
      }
    }
    return windows;
  }

  /**
   * Reads from the node whatever differs.
   * @param reading called with each message
   * @throws Error if that is not possible
   */
  async pull(publisher: Publisher, reading: (bytes: Uint8Array) => void): Promise<void> {
    const mistakes: unknown[] = [];
    const onMistake = (error: unknown) => mistakes.push(error);
    const node = this.#node;
    const reads = new NodeReads({ node, keptFrom: () => 0, publisher, onMistake });
    const puller = new Puller({
      ...{ clock: this.#clock, state: this.#state, reports: this.#reports, onMistake },
      keptFrom: () => 0,
      oldest: async () => 0,
      request: (_, bytes) => reads.answer(bytes),
      take: async (_, bytes) => {
        reading(bytes);
        this.take(bytes, true);
      },
    });
    this.#state.missingOfAll(Number.POSITIVE_INFINITY);
    puller.look();
    await puller.idle();
    if (mistakes.length > 0) throw mistakes[0];
    if (this.#state.node(node)?.unread !== undefined) throw new Error('the node cannot be read');
  }
}
