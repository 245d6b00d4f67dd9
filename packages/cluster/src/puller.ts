/**
 * Reads from the nodes what a merger lacks. To find that out it compares digests of each node's counts
 * and report rows with those of its own, and reads the minutes that differ.
 *
 * It compares every live node once a minute: the minutes since the last comparison, and each hour once
 * it is over. A node of which something may be missing (`unread`) is compared from then on. A node that
 * does not reply is asked again later, less and less often, and does not delay others.
 */
import { setImmediate } from 'node:timers/promises';
import { alignDown, type Clock, min, type PeriodName } from '@reto3/core';
import { type Digest, isSame } from './digest.ts';
import { mostAheadMs } from './incoming.ts';
import type { MergeState, NodeRecord } from './merge-state.ts';
import type { MergedReports } from './merged-reports.ts';
import { BadMessage } from './message.ts';
import { Backoff, pause } from './problems.ts';
import {
  type Digests,
  decodeDigests,
  decodeRows,
  encodeRequest,
  isReadFailure,
  NoReply,
  type ReadRequest,
} from './read-message.ts';

const hourMs = 3_600_000;
/** How many nodes are compared at once. */
const mostAtOnce = 8;
const lookEveryMs = 250;
/** If all is well, the stream has delivered whatever is older. */
const settledAfterMs = 5_000;
/** The part of each minute over which the comparisons are spread. */
const spreadMs = 40_000;
const [retryAfterMs, mostRetryAfterMs] = [1_000, 60_000];

/** An hour of a node in an audit. */
export interface HourProof {
  readonly node: string;
  readonly hour: number;
  /** Undefined if the node did not reply. */
  readonly nodeTotal: number | undefined;
  readonly mergerTotal: number;
  /** Whether all counts are equal, and all report rows that the node has. */
  readonly equal: boolean;
}

/** Counts, or the rows of a report and period. */
interface Series {
  readonly of: 'counts' | 'rows';
  readonly report?: string;
  readonly period?: PeriodName;
}

const counts: Series = { of: 'counts' };

/** How fast an audit may read, and until when. */
export interface AuditLimits {
  /** Its reason ends the audit. */
  readonly signal: AbortSignal;
  /** Yields the same minutes of a node, no faster than they may be read. */
  readonly throttle: <Minute>(minutes: AsyncIterable<Minute>) => AsyncIterable<Minute>;
}

/** Of comparisons that nobody asked for. */
const unlimited: AuditLimits = {
  signal: new AbortController().signal,
  throttle: (minutes) => minutes,
};

/** A minute at the node, and here. */
interface Pair {
  /** Epoch ms. */
  readonly start: number;
  readonly theirs: Digest | undefined;
  readonly ours: Digest | undefined;
}

/** The minutes that the node has. */
interface Comparison {
  /** Since when the node has anything, epoch ms. */
  readonly keptFrom: number;
  readonly pairs: readonly Pair[];
}

export interface PullerParts {
  readonly clock: Clock;
  readonly state: MergeState;
  readonly reports: MergedReports;
  /** Everything older of a period is deleted here, epoch ms. */
  readonly keptFrom: (period: PeriodName) => number;
  /** Where the oldest counts here begin, epoch ms. */
  readonly oldest: () => Promise<number>;
  /** Sends a request to a node; rejects if there is no reply. */
  readonly request: (node: string, bytes: Uint8Array) => Promise<Uint8Array>;
  /** Takes a message of a node. */
  readonly take: (node: string, message: Uint8Array) => Promise<void>;
  /** Hears of an error that only a mistake in the code can cause. */
  readonly onMistake: (error: unknown) => void;
}

export class Puller {
  readonly #parts: PullerParts;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #backoffs = new Map<string, Backoff>();
  /** Up to where each node was compared last, epoch ms. */
  readonly #comparedTo = new Map<string, number>();
  /** When each node that did not reply is retried, monotonic ms. */
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
      await pause(lookEveryMs, signal);
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

  /** Whether the node did not reply to the last request. */
  isFailing(name: string): boolean {
    return this.#backoffs.has(name);
  }

  /** Resolves when nothing is in progress. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** NATS is back: retries the nodes that did not reply at once. */
  retry(): void {
    this.#backoffs.clear();
    this.#retryAt.clear();
  }

  /**
   * What each node has of each hour up to the last minute, and what is here.
   * @throws the reason of the signal
   */
  async audit(first: number, last: number, limits: AuditLimits): Promise<HourProof[]> {
    const { state, oldest } = this.#parts;
    const begin = alignDown(Math.max(first, await oldest()), min.windowMs);
    const to = Math.min(last, this.#settled());
    const proofs: HourProof[] = [];
    for (const node of state.nodes().filter(({ forgotten }) => forgotten !== true))
      proofs.push(...(await this.#auditNode(node, begin, to, limits)));
    return proofs;
  }

  async #auditNode(
    node: NodeRecord,
    begin: number,
    to: number,
    limits: AuditLimits,
  ): Promise<HourProof[]> {
    let [from, replied] = [begin, true];
    const found = new Map<number, Pair>();
    const wrongRows = new Set<number>();
    try {
      const { keptFrom, pairs } = await this.#compared(node, counts, from, to, limits);
      from = alignDown(Math.max(from, keptFrom), min.windowMs);
      for (const pair of pairs) found.set(pair.start, pair);
      for (const series of this.#reportsOf(node)) {
        const rows = await this.#compared(node, series, from, to, limits);
        for (const { start } of differing(rows.pairs)) wrongRows.add(start);
      }
    } catch (error) {
      limits.signal.throwIfAborted();
      this.#noteMistake(error);
      replied = false;
    }
    for await (const pair of limits.throttle(this.#unnamed(node, from, to, found, limits.signal)))
      found.set(pair.start, pair);
    for (const start of wrongRows) {
      if (!found.has(start)) found.set(start, { start, theirs: undefined, ours: undefined });
    }
    const hours = new Map<number, HourProof>();
    for (const { start, theirs, ours } of [...found.values()].sort((a, b) => a.start - b.start)) {
      if (start < from || start >= to) continue;
      const hour = alignDown(start, hourMs);
      const { nodeTotal = 0, mergerTotal = 0, equal = replied } = hours.get(hour) ?? {};
      hours.set(hour, {
        node: node.name,
        hour,
        nodeTotal: replied ? nodeTotal + (theirs?.total ?? 0) : undefined,
        mergerTotal: mergerTotal + (ours?.total ?? 0),
        equal: equal && isSame(theirs, ours) && !wrongRows.has(start),
      });
    }
    return [...hours.values()];
  }

  /** The minutes that are here, and of which the node said nothing. */
  async *#unnamed(
    node: NodeRecord,
    from: number,
    to: number,
    named: ReadonlyMap<number, Pair>,
    signal: AbortSignal,
  ): AsyncGenerator<Pair> {
    for (let start = from; start < to; start += min.windowMs) {
      if (start % hourMs === 0) await setImmediate();
      signal.throwIfAborted();
      const ours = named.has(start) ? undefined : this.#parts.state.digest(node, start);
      if (ours !== undefined) yield { start, theirs: undefined, ours };
    }
  }

  #due(): NodeRecord[] {
    const { clock, state } = this.#parts;
    const now = clock.read();
    const due = state.liveNodes(now).filter((node) => {
      if (this.#busy.has(node.name)) return false;
      if (now.monotonicMs < (this.#retryAt.get(node.name) ?? 0)) return false;
      return node.unread !== undefined || this.#isMinuteDue(node.name, now.wallMs);
    });
    // First those of which something may be missing.
    return due.sort((a, b) => (a.unread ?? Infinity) - (b.unread ?? Infinity));
  }

  async #visit(node: NodeRecord): Promise<void> {
    try {
      await this.#compareAll(node);
      this.#backoffs.delete(node.name);
    } catch (error) {
      this.#noteMistake(error);
      const backoff = this.#backoffs.get(node.name) ?? new Backoff(retryAfterMs, mostRetryAfterMs);
      this.#backoffs.set(node.name, backoff);
      this.#retryAt.set(node.name, this.#parts.clock.read().monotonicMs + backoff.next());
    }
  }

  async #compareAll(node: NodeRecord): Promise<void> {
    const { unread, misses } = node;
    const to = this.#settled();
    const before = Math.min(to, this.#comparedTo.get(node.name) ?? to - min.windowMs);
    // Once an hour is over, all of it is compared: some of its messages may have been late.
    const isHourOver = alignDown(before, hourMs) < alignDown(to, hourMs);
    const since = (againMs: number): number => {
      const recent = isHourOver ? alignDown(before, hourMs) : before - againMs;
      return alignDown(Math.min(unread ?? recent, recent), min.windowMs);
    };
    const end = unread === undefined ? undefined : this.#parts.clock.read().wallMs + mostAheadMs;
    await this.#compare(node, counts, { from: since(min.windowMs), to, end });
    // Rows cost more, so each minute is compared once, and again with its hour.
    const from = since(0);
    if (end !== undefined) await this.#pull(node.name, { of: 'reports', from, to: end });
    for (const series of this.#reportsOf(node))
      await this.#compare(node, series, { from, to, end });
    // Meanwhile more may be missing.
    if (node.misses === misses) node.unread = undefined;
    this.#comparedTo.set(node.name, to);
  }

  /**
   * Compares the range [from, to), and reads the minutes that differ.
   * @param range `end`: from `to` to there, everything is read
   */
  async #compare(
    node: NodeRecord,
    series: Series,
    range: { readonly from: number; readonly to: number; readonly end: number | undefined },
  ): Promise<void> {
    const { from, to, end } = range;
    const minutes = differing((await this.#compared(node, series, from, to)).pairs);
    for (let at = 0; at < minutes.length; ) {
      const first = minutes[at]?.start ?? 0;
      let last = first;
      for (; minutes[at]?.start === last; at++) last += min.windowMs;
      await this.#pull(node.name, { ...series, from: first, to: last });
    }
    // Newer minutes have no digest yet.
    if (end !== undefined)
      await this.#pull(node.name, { ...series, from: Math.max(from, to), to: end });
  }

  #reportsOf({ name }: NodeRecord): Series[] {
    const reports = this.#parts.reports.reportsOf(name);
    return reports.flatMap(({ name: report, periods }) =>
      periods.map((period): Series => ({ of: 'rows', report, period })),
    );
  }

  async #compared(
    node: NodeRecord,
    { report, period }: Series,
    first: number,
    to: number,
    { signal, throttle } = unlimited,
  ): Promise<Comparison> {
    const { state, reports } = this.#parts;
    const isOfRows = report !== undefined && period !== undefined;
    const from = Math.max(first, this.#parts.keptFrom(period ?? 'ms10'));
    if (from >= to) return { keptFrom: from, pairs: [] };
    const request = { of: 'minutes', from, to, ...(isOfRows && { report, period }) } as const;
    const { digests, keptFrom, lineage } = await this.#digests(node.name, request, signal);
    const digest = isOfRows
      ? (start: number) => reports.digest(node.name, lineage, { report, period }, start)
      : (start: number) => state.digest(node, start);
    const pairs: Pair[] = [];
    for await (const pair of throttle(paired(digests, digest))) {
      signal.throwIfAborted();
      pairs.push(pair);
    }
    return { keptFrom, pairs };
  }

  /** Reads a range, reply by reply. */
  async #pull(name: string, request: ReadRequest): Promise<void> {
    const { take } = this.#parts;
    for (let from: number | undefined = request.from; from !== undefined; ) {
      const { message, next } = decodeRows(await this.#ask(name, { ...request, from }));
      await take(name, message);
      assertProgress(from, next);
      from = next;
    }
  }

  /** All digests of a range. */
  async #digests(name: string, request: ReadRequest, signal: AbortSignal): Promise<Digests> {
    const digests: Digest[] = [];
    for (let from = request.from; ; ) {
      signal.throwIfAborted();
      const reply = decodeDigests(await this.#ask(name, { ...request, from }));
      digests.push(...reply.digests);
      const { next } = reply;
      if (next === undefined) return { ...reply, digests };
      assertProgress(from, next);
      from = next;
    }
  }

  async #ask(name: string, request: ReadRequest): Promise<Uint8Array> {
    const bytes = encodeRequest(request);
    try {
      return await this.#parts.request(name, bytes);
    } catch (cause) {
      throw new NoReply(`${name} does not reply`, { cause });
    }
  }

  #noteMistake(error: unknown): void {
    if (!isReadFailure(error)) this.#parts.onMistake(error);
  }

  /** The end of the last minute that the stream should have delivered, epoch ms. */
  #settled(): number {
    return alignDown(this.#parts.clock.read().wallMs - settledAfterMs, min.windowMs);
  }

  /** Whether a minute is over that was not compared. Each node has its own time within a minute. */
  #isMinuteDue(name: string, wallMs: number): boolean {
    const comparedTo = this.#comparedTo.get(name) ?? Number.NEGATIVE_INFINITY;
    let hash = 0;
    for (const letter of name) hash = (31 * hash + letter.charCodeAt(0)) % spreadMs;
    const dueAt = comparedTo + min.windowMs + settledAfterMs + 1_000 + hash;
    return wallMs >= dueAt || wallMs < comparedTo;
  }
}

/** Pairs the digests of a node with those here; others get their turn after each. */
async function* paired(
  digests: readonly Digest[],
  digest: (start: number) => Digest | undefined,
): AsyncGenerator<Pair> {
  for (const theirs of digests) {
    const { start } = theirs;
    yield { start, theirs, ours: digest(start) };
    await setImmediate();
  }
}

/** @throws BadMessage if the rest of a range does not begin later than the reply */
function assertProgress(from: number, next: number | undefined): void {
  if (next !== undefined && next <= from)
    throw new BadMessage('the replies of the node have no end');
}

function differing(pairs: readonly Pair[]): Pair[] {
  return pairs.filter(({ theirs, ours }) => !isSame(theirs, ours));
}
