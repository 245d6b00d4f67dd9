/**
 * Pulls from the nodes what a merger lacks, and proves all the time that it lacks nothing: compares
 * digests of what each node has, counts and rows of reports, with those of what is here, and reads
 * the minutes that differ.
 *
 * Every live node is compared once a minute: its last two minutes, and an hour when it is over. A
 * node of which messages did not come (`unread`) is compared from then on. A node that does not
 * answer is asked again later, less and less often, and holds up no other.
 */
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { alignDown, type Clock, min, type PeriodName } from '@reto3/core';
import { type Digest, isSame } from './digest.ts';
import type { MergeState, NodeRecord } from './merge-state.ts';
import type { MergedReports } from './merged-reports.ts';
import { Backoff } from './problems.ts';
import {
  type Digests,
  decodeDigests,
  decodeRows,
  encodeRequest,
  type ReadRequest,
} from './read-message.ts';

const hourMs = 3_600_000;
/** So many nodes are asked at once. */
const mostAtOnce = 8;
const lookEveryMs = 250;
/** What ended so long ago has come by the stream, where all is well. */
const settledAfterMs = 5_000;
/** The spread over which the nodes are compared after each minute. */
const spreadMs = 40_000;
const [retryAfterMs, mostRetryAfterMs] = [1_000, 60_000];

/** What is compared in an audit; the total of the node is undefined where it did not answer. */
export interface HourProof {
  readonly node: string;
  readonly hour: number;
  readonly nodeTotal: number | undefined;
  readonly mergerTotal: number;
  /** Whether all counts are, and all rows of reports that the node has. */
  readonly equal: boolean;
}

/** What is compared and read: counts, or the rows of a report and period. */
interface Series {
  readonly of: 'counts' | 'rows';
  readonly report?: string;
  readonly period?: PeriodName;
}

const counts: Series = { of: 'counts' };

/** A minute, as the node has it and as it is here. */
interface Pair {
  readonly theirs: Digest;
  readonly ours: Digest | undefined;
}

export interface PullerParts {
  readonly clock: Clock;
  readonly state: MergeState;
  readonly reports: MergedReports;
  /** What is older is no longer kept here, epoch ms. */
  readonly keptFrom: () => number;
  /** Where the oldest counts here begin, epoch ms. */
  readonly oldest: () => Promise<number>;
  /** Asks a node; rejects where it does not answer. */
  readonly request: (node: string, bytes: Uint8Array) => Promise<Uint8Array>;
  /** Takes a message of a node that was read. */
  readonly take: (node: string, message: Uint8Array) => Promise<void>;
}

export class Puller {
  readonly #parts: PullerParts;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #backoffs = new Map<string, Backoff>();
  /** When each node is compared next, and not before when it is asked again; monotonic ms. */
  readonly #nextAt = new Map<string, number>();
  readonly #retryAt = new Map<string, number>();
  #running = false;

  constructor(parts: PullerParts) {
    this.#parts = parts;
  }

  /** Compares nodes as they become due, until it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#running = true;
    while (!signal.aborted) {
      this.look();
      await wait(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
    this.#running = false;
    await this.idle();
  }

  /** Begins with the nodes that are due. */
  look(): void {
    for (const node of this.#due()) {
      if (this.#busy.size >= mostAtOnce) break;
      const work = this.#visit(node).finally(() => {
        this.#busy.delete(node.name);
        if (this.#running) this.look();
      });
      this.#busy.set(node.name, work);
    }
  }

  /** Whether the node did not answer when it was asked last. */
  isFailing(name: string): boolean {
    return this.#backoffs.has(name);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** NATS is back: whoever did not answer is asked at once. */
  retry(): void {
    this.#backoffs.clear();
    this.#retryAt.clear();
  }

  /** What each node has of each hour, up to the last minute, beside what is here. */
  async audit(first: number, last: number): Promise<HourProof[]> {
    const { state, oldest } = this.#parts;
    const begin = alignDown(Math.max(first, await oldest()), min.windowMs);
    const to = Math.min(last, this.#settled());
    const proofs: HourProof[] = [];
    for (const node of state.nodes().filter(({ forgotten }) => forgotten !== true))
      proofs.push(...(await this.#auditNode(node, begin, to)));
    return proofs;
  }

  async #auditNode(node: NodeRecord, begin: number, to: number): Promise<HourProof[]> {
    const { state } = this.#parts;
    let [from, answered] = [begin, true];
    const found = new Map<number, Pair>();
    const wrongRows: number[] = [];
    try {
      const { keptFrom, pairs } = await this.#compared(node, counts, from, to);
      from = alignDown(Math.max(from, keptFrom), min.windowMs);
      for (const pair of pairs) found.set(pair.theirs.start, pair);
      for (const series of this.#reportsOf(node)) {
        const rows = await this.#compared(node, series, from, to);
        wrongRows.push(...differing(rows.pairs).map(({ start }) => start));
      }
    } catch {
      answered = false;
    }
    const hours = new Map<number, { nodeTotal: number; mergerTotal: number; equal: boolean }>();
    const add = (start: number, their: number, our: number, equal: boolean): void => {
      const hour = alignDown(start, hourMs);
      const sum = hours.get(hour) ?? { nodeTotal: 0, mergerTotal: 0, equal: answered };
      hours.set(hour, sum);
      sum.nodeTotal += their;
      sum.mergerTotal += our;
      sum.equal &&= equal;
    };
    for (let start = from; start < to; start += min.windowMs) {
      const { theirs, ours = state.digest(node, start) } = found.get(start) ?? {};
      if (theirs ?? ours) add(start, theirs?.total ?? 0, ours?.total ?? 0, isSame(theirs, ours));
      if (start % hourMs === 0) await setImmediate();
    }
    for (const start of wrongRows) add(start, 0, 0, false);
    return [...hours]
      .sort(([a], [b]) => a - b)
      .map(([hour, { nodeTotal, ...rest }]) => {
        return { node: node.name, hour, ...rest, nodeTotal: answered ? nodeTotal : undefined };
      });
  }

  #due(): NodeRecord[] {
    const { clock, state } = this.#parts;
    const now = clock.read();
    const due = state.nodes().filter((node) => {
      if (!state.isLive(node, now) || this.#busy.has(node.name)) return false;
      if (now.monotonicMs < (this.#retryAt.get(node.name) ?? 0)) return false;
      return node.unread !== undefined || now.monotonicMs >= (this.#nextAt.get(node.name) ?? 0);
    });
    // What is missing comes before what is only proved.
    return due.sort((a, b) => (a.unread ?? Infinity) - (b.unread ?? Infinity));
  }

  async #visit(node: NodeRecord): Promise<void> {
    const { clock } = this.#parts;
    try {
      await this.#compareAll(node);
      this.#backoffs.delete(node.name);
      const inMs = this.#untilNextMinute(node.name);
      this.#nextAt.set(node.name, clock.read().monotonicMs + inMs);
    } catch {
      const backoff = this.#backoffs.get(node.name) ?? new Backoff(retryAfterMs, mostRetryAfterMs);
      this.#backoffs.set(node.name, backoff);
      this.#retryAt.set(node.name, clock.read().monotonicMs + backoff.next());
    }
  }

  async #compareAll(node: NodeRecord): Promise<void> {
    const { state, keptFrom, clock } = this.#parts;
    const unread = state.toRead(node);
    const to = this.#settled();
    // An hour is compared once it is over, and whatever came to it late by then.
    const isHourOver = to % hourMs === 0;
    const since = (recentMs: number): number => {
      const recent = to - (isHourOver ? hourMs : recentMs);
      return alignDown(Math.max(unread?.since ?? recent, keptFrom(), 0), min.windowMs);
    };
    const end = unread && clock.read().wallMs + hourMs;
    await this.#compare(node, counts, { from: since(2 * min.windowMs), to, end });
    // Rows cost more to compare: each minute once, and once more with its hour.
    const from = since(min.windowMs);
    if (end !== undefined) await this.#pull(node.name, { of: 'reports', from, to: end });
    for (const series of this.#reportsOf(node))
      await this.#compare(node, series, { from, to, end });
    unread?.wasRead();
  }

  /**
   * Reads what differs, in whole minutes.
   * @param range `end`: of what is to be read without comparing it; absent: nothing is
   */
  async #compare(
    node: NodeRecord,
    series: Series,
    range: { readonly from: number; readonly to: number; readonly end: number | undefined },
  ): Promise<void> {
    const { from, to, end } = range;
    const { isKnown, pairs } = await this.#compared(node, series, from, to);
    const minutes = differing(pairs);
    for (let at = 0; at < minutes.length; ) {
      const first = minutes[at]?.start ?? 0;
      let last = first;
      for (; minutes[at]?.start === last; at++) last += min.windowMs;
      await this.#pull(node.name, { ...series, from: first, to: last });
    }
    // What is not over has no digest yet; where nothing can be compared, all is read.
    const rest = isKnown ? Math.max(from, to) : from;
    if (end !== undefined) await this.#pull(node.name, { ...series, from: rest, to: end });
  }

  #reportsOf({ name }: NodeRecord): Series[] {
    const known = this.#parts.reports.nodes().find(({ node }) => node === name);
    const reports = known?.reports ?? [];
    return reports.flatMap(({ name: report, periods }) =>
      periods.map((period): Series => ({ of: 'rows', report, period })),
    );
  }

  /**
   * The minutes that the node has, beside what is here, and from when on it has anything.
   * `isKnown`: whether it can say so.
   */
  async #compared(
    node: NodeRecord,
    { report, period }: Series,
    first: number,
    to: number,
  ): Promise<{ readonly keptFrom: number; readonly isKnown: boolean; readonly pairs: Pair[] }> {
    const { state, reports } = this.#parts;
    const isOfRows = report !== undefined && period !== undefined;
    const from = Math.max(first, isOfRows ? reports.keptFrom(period) : 0);
    if (from >= to) return { keptFrom: from, isKnown: true, pairs: [] };
    const request = { of: 'minutes', from, to, ...(isOfRows && { report, period }) } as const;
    const { digests, keptFrom, lineage } = await this.#digests(node.name, request);
    if (isOfRows && lineage === undefined) return { keptFrom, isKnown: false, pairs: [] };
    const pairs: Pair[] = [];
    for (const theirs of digests) {
      const { start } = theirs;
      const ours =
        isOfRows && lineage !== undefined
          ? reports.digest(node.name, lineage, { report, period }, start)
          : state.digest(node, start);
      pairs.push({ theirs, ours });
      await setImmediate();
    }
    return { keptFrom, isKnown: true, pairs };
  }

  /** Reads all of a range, answer by answer. */
  async #pull(name: string, request: ReadRequest): Promise<void> {
    const { take } = this.#parts;
    for (let from: number | undefined = request.from; from !== undefined; ) {
      const { message, next } = decodeRows(await this.#ask(name, { ...request, from }));
      await take(name, message);
      if (next !== undefined && next <= from) throw new Error('the node does not come to an end');
      from = next;
    }
  }

  /** All digests of a range, and from when on the node has anything. */
  async #digests(name: string, request: ReadRequest): Promise<Digests> {
    const digests: Digest[] = [];
    for (let from = request.from; ; ) {
      const part = decodeDigests(await this.#ask(name, { ...request, from }));
      digests.push(...part.digests);
      const { next, ...rest } = part;
      if (next === undefined) return { ...rest, digests };
      if (next <= from) throw new Error('the node does not come to an end');
      from = next;
    }
  }

  #ask(name: string, request: ReadRequest): Promise<Uint8Array> {
    return this.#parts.request(name, encodeRequest(request));
  }

  /** The end of the last minute that should have come, epoch ms. */
  #settled(): number {
    return alignDown(this.#parts.clock.read().wallMs - settledAfterMs, min.windowMs);
  }

  /** Nodes are compared at different times of a minute, each always at the same. */
  #untilNextMinute(name: string): number {
    const { wallMs } = this.#parts.clock.read();
    let hash = 0;
    for (const letter of name) hash = (31 * hash + letter.charCodeAt(0)) % spreadMs;
    const next = alignDown(wallMs - settledAfterMs, min.windowMs) + min.windowMs + settledAfterMs;
    return next - wallMs + 1_000 + hash;
  }
}

function differing(pairs: readonly Pair[]): Digest[] {
  return pairs.flatMap(({ theirs, ours }) => (isSame(theirs, ours) ? [] : [theirs]));
}
