/** A merger that lost messages reads what it lacks from the nodes, and proves that it has it all. */
import { alignDown, allocateWindows, min, ms10PerSecond, sec } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { minuteDigest } from './digest.ts';
import { MergeState } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { decodeMessage, encodeMessage, type NodeMessage } from './message.ts';
import { hoursOf } from './node-reads.ts';
import { Puller } from './puller.ts';
import { decodeRequest, encodeDigests, encodeRows, type ReadRequest } from './read-message.ts';
import { encodeReportMessage, isReportMessage } from './report-message.ts';
import { packSecond } from './second.ts';

const hour = 3_600_000;
const startMs = Date.UTC(2016, 4, 28, 8);
const nowMs = startMs + 3 * hour + 30 * min.windowMs + 30_000;

/** A node that counted `count` messages in each window of some seconds. */
class Node {
  readonly counts = new Map<number, number>();
  readonly asked: ReadRequest[] = [];
  answers = true;
  boot = 1;
  revision = 9;

  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    if (!this.answers) throw new Error('no responders');
    const request = decodeRequest(bytes);
    this.asked.push(request);
    const { of, from, to } = request;
    if (of === 'reports' || of === 'rows')
      return encodeRows({ message: noReports, next: undefined });
    if (of === 'counts') {
      const page = Math.min(to, alignDown(from, min.windowMs) + 10 * min.windowMs);
      const message = encodeMessage(this.message(from, page), 'a');
      return encodeRows({ message, next: page < to && page < clock.wallMs ? page : undefined });
    }
    const minutes = [];
    for (let minute = alignDown(startMs, hour); minute < clock.wallMs; minute += min.windowMs) {
      if (minute < from || minute >= to) continue;
      const { seconds } = this.message(minute, minute + min.windowMs);
      const indexed = seconds.map(
        ({ start, packed }) => [(start - minute) / sec.windowMs, packed] as const,
      );
      minutes.push(minuteDigest(minute, indexed) ?? []);
    }
    const digests = of === 'hours' ? hoursOf(minutes.flat()) : minutes.flat();
    return encodeDigests({ keptFrom: 0, digests });
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
}

const noReports = encodeReportMessage(
  {
    ...{ boot: 1, revision: 1, lineage: 1, voids: 0, reports: [], windows: [] },
    marks: { ms10: 0, sec: 0, min: 0 },
  },
  'a',
);

function secondOf(count: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1);
  windows.counts.fill(count);
  return packSecond(windows);
}

let clock: VirtualClock;
let node: Node;
let state: MergeState;
let puller: Puller;

beforeEach(() => {
  clock = new VirtualClock(nowMs);
  node = new Node();
  for (let start = startMs; start < nowMs; start += 30_000) node.counts.set(start, 1);
  const stored = { part: () => undefined, names: () => [], block: () => undefined };
  state = new MergeState({ silentAfterMs: 10_000, stored });
  puller = new Puller({
    ...{ clock, state, keptFrom: () => 0, oldest: async () => startMs },
    reports: new MergedReports({ readReport: () => undefined }, [], { ms10: 0, sec: 0, min: 0 }),
    request: (_, bytes) => node.answer(bytes),
    take: async (name, bytes) => {
      if (!isReportMessage(bytes))
        state.apply(name, decodeMessage(bytes, name), clock.read(), true);
    },
  });
});

/** Takes everything that a node has of a range. */
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

describe('a merger that lacks something of a node', () => {
  it('reads everything of a node that it never heard of', async () => {
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
    // What is still open has no digest.
    expect(read.slice(2)).toEqual([alignDown(nowMs, min.windowMs)]);
  });

  it('reads what a restored folder still has, and forgets what it lacks', async () => {
    deliver(startMs, nowMs);
    await look();
    node.boot = 2;
    for (const start of node.counts.keys()) if (start > nowMs - hour) node.counts.delete(start);
    // Nothing tells of the new boot before the first answer.
    state.missingOfAll(Number.POSITIVE_INFINITY);
    for (let times = 0; times < 3; times++) await look();
    expect(total()).toBe(all());
    expect(state.node('a')?.unread).toBeUndefined();
  });

  it('notices within a minute what the stream has lost without a word', async () => {
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

  it('asks a node that does not answer less and less often, and at once after a reconnection', async () => {
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

  it('says of each hour whether it has what the node has', async () => {
    deliver(startMs, nowMs);
    expect((await puller.audit(0, nowMs)).map(({ equal }) => equal)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    node.counts.set(startMs + hour + 1_000, 9);
    const [first, second] = await puller.audit(0, nowMs);
    expect(first).toMatchObject({ node: 'a', hour: startMs, equal: true });
    const totals = { nodeTotal: 12_900, mergerTotal: 12_000 };
    expect(second).toMatchObject({ hour: startMs + hour, equal: false, ...totals });
    node.answers = false;
    const [silent] = await puller.audit(0, nowMs);
    expect(silent).toMatchObject({ equal: false, nodeTotal: undefined });
  });
});
