/** A merger that lost messages reads them from the nodes, and proves that nothing is missing. */
import { alignDown, min, sec } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { addSeconds, type Digest } from './digest.ts';
import { MergeState } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { BadMessage, decodeMessage, encodeMessage, type NodeMessage } from './message.ts';
import { NodeReads } from './node-reads.ts';
import { type AuditLimits, Puller } from './puller.ts';
import {
  decodeRequest,
  encodeDigests,
  encodeRequest,
  encodeRows,
  NoReply,
  type ReadRequest,
  type Rows,
} from './read-message.ts';
import {
  decodeReportMessage,
  encodeReportMessage,
  isReportMessage,
  type ReportMessage,
} from './report-message.ts';
import { secondOf } from './testing/open-stream.ts';

const hour = 3_600_000;
const startMs = Date.UTC(2016, 4, 28, 8);
const nowMs = startMs + 3 * hour + 30 * min.windowMs + 30_000;

const unlimited: AuditLimits = {
  signal: new AbortController().signal,
  throttle: (minutes) => minutes,
};

/** A node that counted the same in each window of a second, and has rows of a report. */
class Node {
  readonly counts = new Map<number, number>();
  /** The byte of each window, by start. */
  readonly rows = new Map<number, number>();
  readonly asked: ReadRequest[] = [];
  answers = true;
  /** Whether a mistake keeps the merger from taking its messages. */
  breaks = false;
  boot = 1;
  lineage = 1;
  revision = 9;
  readonly #reads = new NodeReads({
    node: 'a',
    keptFrom: () => 0,
    publisher: { read: async (request) => this.readRows(request) },
    onMistake: (error) => mistakes.push(error),
  });

  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    if (!this.answers) throw new Error('no responders');
    const request = decodeRequest(bytes);
    this.asked.push(request);
    const { of, from, to } = request;
    if (of === 'reports') return encodeRows({ message: this.rowsMessage([]), next: undefined });
    if (of === 'rows') return encodeRows(this.readRows(request));
    if (request.report !== undefined) return this.#reads.answer(bytes);
    if (of === 'counts') {
      const page = Math.min(to, alignDown(from, min.windowMs) + 10 * min.windowMs);
      const message = encodeMessage(this.message(from, page), 'a');
      return encodeRows({ message, next: page < to && page < clock.wallMs ? page : undefined });
    }
    const digests: Digest[] = [];
    for (let minute = alignDown(startMs, hour); minute < clock.wallMs; minute += min.windowMs) {
      if (minute < from || minute >= to) continue;
      addSeconds(digests, this.message(minute, minute + min.windowMs).seconds);
    }
    return encodeDigests({ keptFrom: 0, lineage: 0, next: undefined, digests });
  }

  message(from: number, to: number): NodeMessage {
    const starts = [...this.counts.keys()].filter((start) => start >= from && start < to);
    const seconds = starts
      .sort((a, b) => a - b)
      .map((start) => ({ start, packed: secondOf(this.counts.get(start) ?? 0) }));
    const said = {
      revision: this.revision,
      vouchedFrom: 0,
      mark: nowMs,
      clock: nowMs,
      leaving: false,
    };
    return { boot: this.boot, ...said, seconds };
  }

  /** Its rows, seven in a reply. */
  readRows({ from, to }: ReadRequest): Rows {
    const starts = [...this.rows.keys()].filter((start) => start >= from && start < to);
    starts.sort((a, b) => a - b);
    return { message: this.rowsMessage(starts.slice(0, 7)), next: starts[7] };
  }

  rowsMessage(starts: readonly number[]): Uint8Array {
    const { boot, lineage, revision, rows } = this;
    const marks = { ms10: 0, sec: 0, min: 0 };
    const windows = starts.map((start) => {
      const bytes = Uint8Array.of(rows.get(start) ?? 0);
      return {
        report: 'sizes',
        period: 'ms10',
        start,
        bytes,
        tooLarge: 0,
        partial: false,
      } as const;
    });
    const report = {
      name: 'sizes',
      summary: 'Sizes',
      columns: { size: 'bytes' },
      running: true,
      since: 0,
    };
    const said = [{ ...report, periods: ['ms10'] as const }];
    const message: ReportMessage = {
      ...{ boot, revision, lineage, voids: 0, marks, windows, reports: said },
    };
    return encodeReportMessage(message, 'a');
  }
}

let clock: VirtualClock;
let node: Node;
let state: MergeState;
let reports: MergedReports;
let puller: Puller;
let mistakes: unknown[];

beforeEach(() => {
  clock = new VirtualClock(nowMs);
  node = new Node();
  mistakes = [];
  for (let start = startMs; start < nowMs; start += 30_000) node.counts.set(start, 1);
  const stored = { part: () => undefined, names: () => [], block: () => undefined };
  state = new MergeState({ silentAfterMs: 10_000, stored });
  reports = emptyReports();
  puller = pullerOf();
});

function emptyReports(): MergedReports {
  const deletedBefore = { ms10: 0, sec: 0, min: 0 };
  return new MergedReports({ deletedBefore, readReport: () => undefined }, []);
}

type Request = (name: string, bytes: Uint8Array) => Promise<Uint8Array>;

function pullerOf(request: Request = (_, bytes) => node.answer(bytes)): Puller {
  return new Puller({
    ...{ clock, state, reports, keptFrom: () => 0, oldest: async () => startMs },
    request,
    onMistake: (error) => mistakes.push(error),
    take: async (name, bytes) => {
      if (node.breaks) throw new TypeError('x is not a function');
      if (isReportMessage(bytes)) reports.apply(name, decodeReportMessage(bytes, name));
      else state.apply(name, decodeMessage(bytes, name), clock.read(), true);
    },
  });
}

/** Takes everything that the node has in a range. */
function deliver(from: number, to: number): void {
  state.apply('a', node.message(from, to), clock.read());
}

function total(): number {
  return state.minutes().reduce((sum, minute) => sum + (minute.min.counts[0] ?? 0), 0);
}

async function look(): Promise<void> {
  puller.look();
  await puller.idle();
}

const all = () => [...node.counts.values()].reduce((sum, count) => sum + count * 100, 0);

describe('a merger that lacks counts of a node', () => {
  it('reads everything of a new node', async () => {
    deliver(nowMs - 10_000, nowMs);
    await look();
    expect(total()).toBe(all());
    expect(state.node('a')?.unread).toBeUndefined();
  });

  it('reads the minutes that differ, and nothing else', async () => {
    deliver(startMs, nowMs);
    await look();
    node.asked.length = 0;
    node.counts.set(startMs + 10 * min.windowMs + 5_000, 7);
    node.counts.set(startMs + 70 * min.windowMs, 5);
    node.revision = 10;
    state.missingOfAll(Number.POSITIVE_INFINITY);
    await look();
    expect(total()).toBe(all());
    const read = node.asked.filter(({ of }) => of === 'counts').map(({ from }) => from);
    expect(read.slice(0, 2)).toEqual([10, 70].map((minute) => startMs + minute * min.windowMs));
    // The open minute has no digest.
    expect(read.slice(2)).toEqual([alignDown(nowMs, min.windowMs)]);
  });

  it('reads what a restored folder has, and voids what it lacks', async () => {
    deliver(startMs, nowMs);
    await look();
    node.boot = 2;
    for (const start of node.counts.keys()) if (start > nowMs - hour) node.counts.delete(start);
    // Nothing announces the new boot before the first reply.
    state.missingOfAll(Number.POSITIVE_INFINITY);
    for (let times = 0; times < 3; times++) await look();
    expect(total()).toBe(all());
    expect(state.node('a')?.unread).toBeUndefined();
  });

  it('notices within a minute what the stream lost silently', async () => {
    deliver(startMs, nowMs);
    await look();
    for (let start = nowMs; start < nowMs + 60_000; start += 30_000)
      node.counts.set(alignDown(start, sec.windowMs), 3);
    for (let second = 0; second < 120 && total() < all(); second++) {
      clock.pass(1_000);
      state.apply('a', { ...node.message(0, 0), mark: nowMs }, clock.read());
      await look();
    }
    expect(total()).toBe(all());
  });

  it('compares again at once after its own clock was ahead', async () => {
    clock.step(3 * hour);
    deliver(startMs, nowMs);
    await look();
    clock.step(-3 * hour);
    node.asked.length = 0;
    state.apply('a', { ...node.message(0, 0), mark: nowMs }, clock.read());
    await look();
    expect(node.asked.map(({ of }) => of)).toContain('minutes');
  });

  it('compares eight nodes at once, and the others when those are done', async () => {
    const asked: string[] = [];
    let fail = (): void => undefined;
    puller = pullerOf(async (name) => {
      asked.push(name);
      await new Promise<void>((resolve) => {
        fail = resolve;
      });
      throw new Error('no responders');
    });
    for (let at = 0; at < 20; at++) state.apply(`n${at}`, node.message(0, 0), clock.read());
    puller.look();
    puller.look();
    await vi.waitFor(() => expect(asked).toHaveLength(8));
    fail();
    await vi.waitUntil(() => puller.isFailing(asked[7] ?? ''));
    puller.look();
    await vi.waitFor(() => expect(asked).toHaveLength(9));
  });

  it('compares an hour that ended while the node did not reply', async () => {
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        clock.pass(min.windowMs);
        state.apply('a', { ...node.message(0, 0), mark: nowMs }, clock.read());
        await look();
      }
    };
    deliver(startMs, nowMs);
    await look();
    await pass(15);
    // No message brings this late count.
    node.counts.set(nowMs + 10 * min.windowMs - 30_000, 7);
    node.revision++;
    await pass(12);
    node.answers = false;
    await pass(6);
    expect(total()).not.toBe(all());
    node.answers = true;
    await pass(3);
    expect(total()).toBe(all());
  });

  it('asks a node that does not reply after longer and longer pauses, up to a minute', async () => {
    const attempts: number[] = [];
    puller = pullerOf(async () => {
      attempts.push(clock.monotonicMs / 1_000);
      throw new Error('no responders');
    });
    for (let second = 0; second < 190; second++) {
      deliver(nowMs - 10_000, nowMs);
      await look();
      clock.pass(1_000);
    }
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('asks a node that does not reply again, and at once after a reconnection', async () => {
    node.answers = false;
    deliver(nowMs - 10_000, nowMs);
    await look();
    node.answers = true;
    await look();
    expect(node.asked).toEqual([]);
    puller.retry();
    await look();
    expect(total()).toBe(all());
  });

  it.each(['minutes', 'counts'] as const)(
    'ends with replies about %s that have no end',
    async (of) => {
      deliver(nowMs - 10_000, nowMs);
      const answer = node.answer.bind(node);
      let endless = 0;
      node.answer = async (bytes) => {
        const request = decodeRequest(bytes);
        if (request.of !== of || endless >= 10) return answer(bytes);
        endless++;
        const next = startMs;
        if (of === 'minutes') return encodeDigests({ keptFrom: 0, lineage: 0, next, digests: [] });
        return encodeRows({ message: encodeMessage(node.message(0, 0), 'a'), next });
      };
      await look();
      expect(endless).toBeLessThan(3);
      expect(puller.isFailing('a')).toBe(true);
      expect(mistakes).toEqual([]);
    },
  );

  it('reports a mistake in the code, unlike a node that does not reply', async () => {
    deliver(nowMs - 10_000, nowMs);
    node.answers = false;
    await look();
    expect(mistakes).toEqual([]);
    [node.answers, node.breaks] = [true, true];
    puller.retry();
    await look();
    expect(mistakes.map(String)).toEqual(['TypeError: x is not a function']);
    expect(puller.isFailing('a')).toBe(true);
  });

  it('audits each hour', async () => {
    deliver(startMs, nowMs);
    expect((await puller.audit(0, nowMs, unlimited)).map(({ equal }) => equal)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    node.counts.set(startMs + hour + 1_000, 9);
    const [first, second] = await puller.audit(0, nowMs, unlimited);
    expect(first).toMatchObject({ node: 'a', hour: startMs, equal: true });
    const totals = { nodeTotal: 12_900, mergerTotal: 12_000 };
    expect(second).toMatchObject({ hour: startMs + hour, equal: false, ...totals });
    node.answers = false;
    const [silent] = await puller.audit(0, nowMs, unlimited);
    expect(silent).toMatchObject({ equal: false, nodeTotal: undefined });
  });

  it('audits minutes as they are allowed, with a reply or without, and ends with its signal', async () => {
    deliver(startMs, nowMs);
    for (const answers of [true, false]) {
      node.answers = answers;
      const leaving = new AbortController();
      const read: unknown[] = [];
      async function* throttle<Minute>(minutes: AsyncIterable<Minute>): AsyncGenerator<Minute> {
        for await (const minute of minutes) {
          read.push(minute);
          if (read.length === 5) leaving.abort(new Error('the client left'));
          yield minute;
        }
      }
      const limits = { signal: leaving.signal, throttle };
      await expect(puller.audit(0, nowMs, limits)).rejects.toThrow('the client left');
      expect(read).toHaveLength(5);
      node.asked.length = 0;
      await expect(puller.audit(0, nowMs, limits)).rejects.toThrow('the client left');
      expect(node.asked).toEqual([]);
    }
  });
});

it('reports a mistake in the code of a reply, unlike a reply that must wait', async () => {
  const failures = [new NoReply('it may not publish now'), new TypeError('x is not a function')];
  const read = async () => {
    throw failures.shift();
  };
  const onMistake = (error: unknown) => mistakes.push(error);
  const reads = new NodeReads({ node: 'a', keptFrom: () => 0, publisher: { read }, onMistake });
  const request = encodeRequest({ of: 'counts', from: 0, to: nowMs });
  await expect(reads.answer(request)).rejects.toThrow('it may not publish now');
  await expect(reads.answer(Buffer.from('{}'))).rejects.toThrow(BadMessage);
  expect(mistakes).toEqual([]);
  await expect(reads.answer(request)).rejects.toThrow(TypeError);
  expect(mistakes.map(String)).toEqual(['TypeError: x is not a function']);
});

describe('a merger that lacks rows of reports', () => {
  /** The byte of each window that it has, by start. */
  function rows(): Map<number, number> {
    const found = new Map<number, number>();
    for (const { start, part } of reports.inMemory('sizes', 'ms10'))
      for (const { index, bytes } of part.windows(0)) found.set(start + index * 10, bytes[0] ?? 0);
    return new Map([...found].sort(([a], [b]) => a - b));
  }

  /** Loses a row silently. */
  function lose(start: number): void {
    const kept = [...node.rows.keys()].filter((each) => each !== start);
    reports = emptyReports();
    reports.apply('a', decodeReportMessage(node.rowsMessage(kept), 'a'));
    puller = pullerOf();
  }

  const rowsAsked = () => node.asked.filter(({ of }) => of === 'rows');

  beforeEach(async () => {
    for (let at = 0; at < 30; at++) node.rows.set(startMs + at * 50_010, at);
    deliver(startMs, nowMs);
    await look();
    expect(rows()).toEqual(node.rows);
    node.asked.length = 0;
  });

  it('reads no row again that it has', async () => {
    state.missingOfAll(Number.POSITIVE_INFINITY);
    await look();
    // The open minute has no digest.
    expect(rowsAsked()).toMatchObject([{ from: alignDown(nowMs, min.windowMs) }]);
  });

  it('reads the minutes of rows that are lost or differ', async () => {
    const [lost, changed] = [startMs + 3 * 50_010, startMs + 12 * 50_010];
    lose(lost);
    node.rows.set(changed, 200);
    node.revision++;
    state.missingOfAll(Number.POSITIVE_INFINITY);
    await look();
    expect(rows()).toEqual(node.rows);
    const read = rowsAsked().map(({ from }) => from);
    expect(read.slice(0, -1)).toEqual([lost, changed].map((at) => alignDown(at, min.windowMs)));
  });

  it('notices within a minute what the stream lost silently', async () => {
    const start = alignDown(nowMs, sec.windowMs);
    node.rows.set(start, 77);
    for (let second = 0; second < 120 && rows().get(start) !== 77; second++) {
      clock.pass(1_000);
      state.apply('a', { ...node.message(0, 0), mark: nowMs }, clock.read());
      await look();
    }
    expect(rows()).toEqual(node.rows);
  });

  it('compares a long range reply by reply', async () => {
    for (let ago = 1; ago <= 1_500; ago++) node.rows.set(startMs - ago * min.windowMs, 1);
    state.missingOfAll(Number.POSITIVE_INFINITY);
    await look();
    expect(rows()).toEqual(new Map([...node.rows].sort(([a], [b]) => a - b)));
    const asked = node.asked.filter(({ of, report }) => of === 'minutes' && report !== undefined);
    expect(asked.map(({ from }) => from)).toEqual([0, expect.any(Number)]);
    // It reads each missing row once, and no other.
    const pages = rowsAsked().map(({ from }) => from);
    expect(new Set(pages).size).toBe(pages.length);
    expect(pages.filter((from) => from >= startMs)).toEqual([alignDown(nowMs, min.windowMs)]);
  });

  it('finds the hour of a lost row in an audit, though the counts are equal', async () => {
    expect((await puller.audit(0, nowMs, unlimited)).every(({ equal }) => equal)).toBe(true);
    lose(startMs + 3 * 50_010);
    const [first, ...rest] = await puller.audit(0, nowMs, unlimited);
    expect(first).toMatchObject({ hour: startMs, equal: false });
    expect(first?.nodeTotal).toBe(first?.mergerTotal);
    expect(rest.every(({ equal }) => equal)).toBe(true);
  });

  it('reads rows of a new folder, even those that an earlier folder had too', async () => {
    node.lineage = node.boot = 2;
    state.missingOfAll(Number.POSITIVE_INFINITY);
    await look();
    const said = reports.inMemory('sizes', 'ms10').flatMap(({ part }) => part.windows(0));
    expect(said.filter(({ lineage }) => lineage === 2)).toHaveLength(30);
  });
});
