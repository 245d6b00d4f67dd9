/**
 * Pulls from the nodes what a merger lacks, and proves all the time that it lacks nothing: compares
 * digests of what each node has with those of what is here, and reads the minutes that differ.
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
import { decodeDigests, decodeRows, encodeRequest, type ReadRequest } from './read-message.ts';

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
  readonly equal: boolean;
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
      try {
        const digests = await this.#digests(node.name, 'hours', from, to);
        from = Math.max(from, digests.keptFrom);
        theirs = new Map(digests.digests.map((digest) => [digest.start, digest]));
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
      for (const hour of [...new Set([...theirs.keys(), ...ours.keys()])].sort((a, b) => a - b)) {
        const [their, our] = [theirs.get(hour), ours.get(hour)];
        const nodeTotal = answered ? (their?.total ?? 0) : undefined;
        const equal = answered && isSame(their, our);
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
    if (unread === undefined) return;
    await this.#pull(node.name, { of: 'counts', from: Math.max(from, to), to: to + hourMs });
    await this.#pullReports(node.name, from, clock.read().wallMs + hourMs);
    unread.wasRead();
  }

  /** Reads the minutes that differ, in whole minutes. */
  async #compare(node: NodeRecord, from: number, to: number): Promise<void> {
    if (to - from > hourMs) {
      const { digests, keptFrom } = await this.#digests(node.name, 'hours', from, to);
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
    const { digests } = await this.#digests(node.name, 'minutes', from, to);
    const ours = new Map([...this.#own(node, from, to)].map((digest) => [digest.start, digest]));
    const differing = digests.filter((theirs) => !isSame(theirs, ours.get(theirs.start)));
    for (let at = 0; at < differing.length; ) {
      const first = differing[at]?.start ?? 0;
      let end = first;
      for (; differing[at]?.start === end; at++) end += min.windowMs;
      await this.#pull(node.name, { of: 'counts', from: first, to: end });
    }
  }

  async #pullReports(name: string, from: number, to: number): Promise<void> {
    const { reports } = this.#parts;
    await this.#pull(name, { of: 'reports', from, to });
    const known = reports.nodes().find(({ node }) => node === name)?.reports ?? [];
    for (const { name: report, periods } of known) {
      for (const period of periods) await this.#pullRows(name, report, period, from, to);
    }
  }

  #pullRows(
    name: string,
    report: string,
    period: PeriodName,
    from: number,
    to: number,
  ): Promise<void> {
    return this.#pull(name, { of: 'rows', from, to, report, period });
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
  async #digests(
    name: string,
    of: 'hours' | 'minutes',
    first: number,
    to: number,
  ): Promise<{ readonly keptFrom: number; readonly digests: Digest[] }> {
    const digests: Digest[] = [];
    let keptFrom = 0;
    for (let from: number | undefined = first; from !== undefined; ) {
      const part = decodeDigests(await this.#ask(name, { of, from, to }));
      digests.push(...part.digests);
      keptFrom = part.keptFrom;
      if (part.next !== undefined && part.next <= from)
        throw new Error('the node does not come to an end');
      from = part.next;
    }
    return { keptFrom, digests };
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
