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
import { type Digest, hourMs, isSame } from './digest.ts';
import type { MergeState, NodeRecord } from './merge-state.ts';
import type { MergedReports } from './merged-reports.ts';
import { hoursOf } from './node-reads.ts';
import { Backoff } from './problems.ts';
import {
  type Digests,
  decodeDigests,
  decodeRows,
  encodeRequest,
  type ReadRequest,
} from './read-message.ts';

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

/** The windows of a report. */
interface Series {
  readonly report: string;
  readonly period: PeriodName;
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

  /** What each node has of each hour that is over, or up to now, beside what is here. */
  async audit(first: number, last: number): Promise<HourProof[]> {
    const { state, oldest } = this.#parts;
    const begin = Math.max(first, await oldest());
    const to = Math.min(last, this.#settled());
    const proofs: HourProof[] = [];
    for (const node of state.nodes().filter(({ forgotten }) => forgotten !== true)) {
      let [from, theirs, answered] = [begin, new Map<number, Digest>(), true];
      const wrongRows = new Set<number>();
      try {
        const digests = await this.#digests(node.name, { of: 'hours', from, to });
        from = Math.max(from, digests.keptFrom);
        theirs = new Map(digests.digests.map((digest) => [digest.start, digest]));
        for (const series of this.#seriesOf(node.name)) {
          for (const { start } of (await this.#differing(node.name, series, from, to)) ?? [])
            wrongRows.add(alignDown(start, hourMs));
        }
      } catch {
        answered = false;
      }
      const ours = new Map<number, Digest>();
      for (let hour = alignDown(from, hourMs); hour < to; hour += hourMs) {
        const [own] = hoursOf([
          ...this.#own(node, Math.max(from, hour), Math.min(hour + hourMs, to)),
        ]);
        if (own !== undefined) ours.set(hour, own);
        await setImmediate();
      }
      const hours = new Set([...theirs.keys(), ...ours.keys(), ...wrongRows]);
      for (const hour of [...hours].sort((a, b) => a - b)) {
        const [their, our] = [theirs.get(hour), ours.get(hour)];
        const nodeTotal = answered ? (their?.total ?? 0) : undefined;
        const equal = answered && isSame(their, our) && !wrongRows.has(hour);
        proofs.push({ node: node.name, hour, nodeTotal, mergerTotal: our?.total ?? 0, equal });
      }
    }
    return proofs;
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
    const recent = to - (isHourOver ? hourMs : 2 * min.windowMs);
    const from = alignDown(Math.max(unread?.since ?? recent, keptFrom(), 0), min.windowMs);
    await this.#compare(node, from, to);
    // Rows cost more to compare than counts: each minute once, and once more with its hour.
    const once = Math.max(from, isHourOver ? 0 : to - min.windowMs);
    if (unread === undefined) return this.#compareReports(node.name, once, to);
    // What is not over has no digest yet.
    const rest = Math.max(from, to);
    await this.#pull(node.name, { of: 'counts', from: rest, to: to + hourMs });
    const end = clock.read().wallMs + hourMs;
    await this.#pull(node.name, { of: 'reports', from, to: end });
    await this.#compareReports(node.name, from, to, end);
    unread.wasRead();
  }

  /** Reads the minutes that differ, in whole minutes. */
  async #compare(node: NodeRecord, from: number, to: number): Promise<void> {
    if (to - from > hourMs) {
      const { digests, keptFrom } = await this.#digests(node.name, { of: 'hours', from, to });
      const begin = Math.max(from, keptFrom);
      for (const theirs of digests) {
        const hour = {
          from: Math.max(begin, theirs.start),
          to: Math.min(to, theirs.start + hourMs),
        };
        const [ours] = hoursOf([...this.#own(node, hour.from, hour.to)]);
        if (!isSame(theirs, ours)) await this.#compare(node, hour.from, hour.to);
        await setImmediate();
      }
      return;
    }
    const { digests } = await this.#digests(node.name, { of: 'minutes', from, to });
    const ours = new Map([...this.#own(node, from, to)].map((digest) => [digest.start, digest]));
    const differing = digests.filter((theirs) => !isSame(theirs, ours.get(theirs.start)));
    await this.#pullMinutes(node.name, { of: 'counts' }, differing);
  }

  /**
   * Reads the rows of reports that differ, in whole minutes.
   * @param end of what is to be read without comparing it; absent: nothing is
   */
  async #compareReports(name: string, from: number, to: number, end?: number): Promise<void> {
    for (const series of this.#seriesOf(name)) {
      const differing = await this.#differing(name, series, from, to);
      await this.#pullMinutes(name, { of: 'rows', ...series }, differing ?? []);
      // Where nothing can be compared, all is read.
      const first = differing === undefined ? from : Math.max(from, to);
      if (end !== undefined)
        await this.#pull(name, { of: 'rows', ...series, from: first, to: end });
    }
  }

  #seriesOf(name: string): Series[] {
    const known = this.#parts.reports.nodes().find(({ node }) => node === name);
    const reports = known?.reports ?? [];
    return reports.flatMap(({ name: report, periods }) =>
      periods.map((period) => ({ report, period })),
    );
  }

  /** The minutes of a report that the node has otherwise; undefined: it has no digests of them. */
  async #differing(
    name: string,
    series: Series,
    first: number,
    to: number,
  ): Promise<Digest[] | undefined> {
    const { reports } = this.#parts;
    const from = Math.max(first, reports.keptFrom(series.period));
    if (from >= to) return [];
    const { digests, lineage } = await this.#digests(name, { of: 'minutes', from, to, ...series });
    if (lineage === undefined) return undefined;
    const differing: Digest[] = [];
    for (const theirs of digests) {
      const ours = reports.digest(name, lineage, series, theirs.start);
      if (!isSame(theirs, ours)) differing.push(theirs);
      await setImmediate();
    }
    return differing;
  }

  /** Reads these minutes, those that touch at once. */
  async #pullMinutes(
    name: string,
    request: Omit<ReadRequest, 'from' | 'to'>,
    minutes: readonly Digest[],
  ): Promise<void> {
    for (let at = 0; at < minutes.length; ) {
      const from = minutes[at]?.start ?? 0;
      let to = from;
      for (; minutes[at]?.start === to; at++) to += min.windowMs;
      await this.#pull(name, { ...request, from, to });
    }
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

  #own(node: NodeRecord, from: number, to: number): Generator<Digest> {
    return this.#parts.state.digests(node, from, to);
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
