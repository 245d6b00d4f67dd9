import { alignDown } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { Coordinator, neverPublished, Store } from '@reto3/engine';
import { addMessage, allocate, RingReader, stripeOf } from '@reto3/engine/ring';
import { MemoryJournal, memoryAnchor } from '@reto3/engine/testing';
import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { decodeIncoming } from './incoming.ts';
import { decodeMessage } from './message.ts';
import { Publisher } from './publisher.ts';
import { decodeReportMessage, isReportMessage } from './report-message.ts';
import { silentLog } from './testing/silent-log.ts';

const wallMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const ignored = () => undefined;

const series = { periods: ['sec'], columns: { path: 'the path' } } as const;
const report = { name: 'paths', summary: 'By path', ...series, running: true, since: wallMs };

const parts = {
  node: 'a',
  reports: { list: () => [report], writtenThrough: (finalThrough: number) => finalThrough },
  events: { failed: ignored, recovered: ignored },
  log: silentLog,
};

/** A node; `published` has the starts of all seconds that it published. */
async function startNode() {
  const clock = new VirtualClock(wallMs);
  const memory = allocate(1);
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const coordinator = await Coordinator.open({
    clock,
    ring: new RingReader(memory),
    workerCount: 1,
    store,
    anchor: memoryAnchor(),
    journals: new MemoryJournal(),
    node: 'a',
    events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
  });
  const warned: unknown[] = [];
  const publisher = new Publisher({
    ...parts,
    log: { warn: (...line: readonly unknown[]) => void warned.push(line) },
    source: coordinator,
    clock,
    published: neverPublished,
    newestEnd: coordinator.endBefore,
  });
  coordinator.join(publisher);
  await coordinator.prepare();
  coordinator.count();
  const [published, told]: [number[], number[]] = [[], []];
  const startsIn = (bytes: Uint8Array): number[] =>
    isReportMessage(bytes) ? [] : decodeMessage(bytes, 'a').seconds.map(({ start }) => start);
  const stream: { refuses: boolean; holds: Promise<void> | undefined } = {
    refuses: false,
    holds: undefined,
  };
  /** Why a merger rejects messages, and by how many ms its clock is behind. */
  const merger: { rejects: string[]; behindMs: number } = { rejects: [], behindMs: 0 };
  const hear = (bytes: Uint8Array): void => {
    try {
      decodeIncoming('s.a', bytes, { subjects: 's', nowMs: clock.wallMs - merger.behindMs });
    } catch (error) {
      merger.rejects.push(String(error));
    }
  };
  const publish = async (bytes: Uint8Array): Promise<void> => {
    await stream.holds;
    if (stream.refuses) throw new Error('no leader');
    if (kinds.length >= 10_000) throw new Error('the messages have no end');
    hear(bytes);
    published.push(...startsIn(bytes));
    kinds.push(kindOf(bytes));
    if (isReportMessage(bytes)) reportMarks.push(decodeReportMessage(bytes, 'a').marks.ms10);
  };
  const [marks, reportMarks]: [number[], number[]] = [[], []];
  const kinds: string[] = [];
  const kindOf = (bytes: Uint8Array): string => {
    if (isReportMessage(bytes)) return 'reports';
    return decodeMessage(bytes, 'a').leaving ? 'goodbye' : 'counts';
  };
  const tell = (bytes: Uint8Array): void => {
    hear(bytes);
    told.push(...startsIn(bytes));
    marks.push(decodeMessage(bytes, 'a').mark);
  };
  publisher.announce({ boot: 1, vouchedFrom: wallMs, forked: false }, 0);
  publisher.begin({ publish, tell, mostBytes: 1 << 20 });
  return {
    publisher,
    published,
    told,
    /** The marks of messages that bypassed the stream. */
    marks,
    /** The marks of messages of reports. */
    reportMarks,
    /** What each message in the stream holds. */
    kinds,
    stream,
    merger,
    /** Its clock steps by so much; that of the merger does not. */
    step(ms: number): void {
      clock.step(ms);
      merger.behindMs += ms;
    },
    sync: () => coordinator.commit(),
    /** Warnings in the log. */
    warned,
    /** Counts a message of a followed log, of which only the second is known. */
    follow: (timeMs: number) => coordinator.add(timeMs, 1, true),
    /** Counts a message in each of so many seconds, with so many writes. */
    async pass(seconds: number, writes: number): Promise<void> {
      for (let beat = 0; beat < seconds * writes; beat++) {
        addMessage(stripeOf(memory, 0), clock.wallMs);
        clock.pass(1_000 / writes);
        await coordinator.flush();
        await settle();
      }
    },
  };
}

/** Lets everything finish that needs no virtual time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

it('sends the stream each second once, when it is over, and the open one past it', async () => {
  const node = await startNode();
  await node.pass(1, 10);
  node.published.length = node.told.length = 0;
  await node.pass(3, 10);
  expect(node.published).toEqual([wallMs, wallMs + 1_000, wallMs + 2_000]);
  // At most four times a second.
  expect(node.told.length).toBeGreaterThan(6);
  expect(node.told.length).toBeLessThan(13);
  expect(new Set(node.told)).toEqual(new Set([1, 2, 3, 4].map((at) => wallMs + 1_000 * at)));
});

it('sends what the stream refuses past it, from where the stream ends, for five minutes', async () => {
  const node = await startNode();
  await node.pass(2, 10);
  node.stream.refuses = true;
  node.told.length = node.marks.length = 0;
  await node.pass(100, 2);
  const refused = (seconds: number): number[] =>
    Array.from({ length: seconds }, (_, second) => wallMs + 1_000 * second);
  // Each time everything, though it is more than a minute, and with a mark at its end.
  expect(node.marks.at(-1)).toBe(wallMs + 101_000);
  expect(node.told.slice(node.told.lastIndexOf(wallMs + 1_000))).toEqual(refused(101).slice(1));
  await node.pass(300, 2);
  node.told.length = 0;
  await node.pass(10, 2);
  expect(node.told).toEqual([]);

  node.published.length = 0;
  node.stream.refuses = false;
  await node.pass(10, 2);
  expect(node.published).toEqual(refused(421).slice(1));
});

it('calls a second pending until the stream has acknowledged it', async () => {
  const node = await startNode();
  await node.pass(2, 10);
  // The last one, which is not final yet, and the one that begins.
  expect(node.publisher.state.secondsPending).toBe(2);
  node.stream.holds = new Promise(() => undefined);
  await node.pass(2, 10);
  expect(node.publisher.state.secondsPending).toBe(4);
});

it('publishes what is left when it stops, and the goodbye last', async () => {
  const node = await startNode();
  await node.pass(2, 10);
  node.published.length = node.kinds.length = 0;
  await node.publisher.stop(1_000);
  expect(node.published).toEqual([wallMs + 1_000, wallMs + 2_000]);
  expect(node.kinds.at(-1)).toBe('goodbye');
  expect(node.kinds.filter((kind) => kind === 'goodbye')).toHaveLength(1);
  expect(node.publisher.state.secondsPending).toBe(0);
});

it('sends nothing past the stream of a boot that the stream does not have', async () => {
  const node = await startNode();
  node.stream.refuses = true;
  await node.pass(10, 2);
  expect(node.told).toEqual([]);
});

/** Counts in so many seconds, and syncs after each. */
async function passSynced(node: Awaited<ReturnType<typeof startNode>>, seconds: number) {
  for (let second = 0; second < seconds; second++) {
    await node.pass(1, 10);
    await node.sync();
  }
}

it('is heard again once its clock is right, though it was an hour ahead', async () => {
  const node = await startNode();
  await passSynced(node, 5);
  expect(node.merger.rejects).toEqual([]);
  node.step(3_600_000);
  await passSynced(node, 5);
  // In the middle of a second.
  await node.pass(0.5, 10);
  expect(node.merger.rejects).not.toEqual([]);
  node.step(-3_600_000);
  await passSynced(node, 3);
  node.merger.rejects.length = node.published.length = node.reportMarks.length = 0;
  await passSynced(node, 10);
  expect(node.merger.rejects).toEqual([]);
  const since = [15, 16, 17, 18, 19].map((second) => wallMs + 1_000 * second);
  expect(node.published).toEqual(expect.arrayContaining(since));
  const marked = node.reportMarks.map((mark) => alignDown(mark, 1_000));
  expect(marked).toEqual(expect.arrayContaining(since));
});

it('is heard again although its clock was set right while messages were on their way', async () => {
  const node = await startNode();
  await passSynced(node, 3);
  node.step(3_600_000);
  await passSynced(node, 2);
  let release = ignored;
  node.stream.holds = new Promise((resolve) => {
    release = () => void resolve();
  });
  await passSynced(node, 1);
  node.step(-3_600_000);
  await passSynced(node, 1);
  node.stream.holds = undefined;
  node.merger.rejects.length = 0;
  release();
  await settle();
  await passSynced(node, 1);
  // Those messages, one of each kind.
  expect(node.merger.rejects).toHaveLength(2);
  node.published.length = node.reportMarks.length = 0;
  await passSynced(node, 4);
  expect(node.merger.rejects).toHaveLength(2);
  const since = [8, 9, 10].map((second) => wallMs + 1_000 * second);
  expect(node.published).toEqual(expect.arrayContaining(since));
  const marked = node.reportMarks.map((mark) => alignDown(mark, 1_000));
  expect(marked).toEqual(expect.arrayContaining(since));
});

it('logs that it leaves out counts of which only the second is known', async () => {
  const node = await startNode();
  await node.pass(2, 10);
  expect(node.warned).toEqual([]);
  node.published.length = 0;
  node.follow(wallMs);
  await node.pass(2, 10);
  const text = 'counts of a log whose clock ticks in seconds are not published';
  expect(node.warned).toEqual([[{ from: wallMs }, `${text}: the cluster adds up 10 ms`]]);
  expect(node.published).not.toContain(wallMs);
});

it('replies with what the stream does not have, in several messages', async () => {
  const node = await startNode();
  await node.pass(400, 1);
  const seconds: number[] = [];
  for (let from: number | undefined = wallMs; from !== undefined; ) {
    const { message, next } = await node.publisher.read({
      of: 'counts',
      from,
      to: wallMs + 400_000,
    });
    const read = decodeMessage(message, 'a');
    seconds.push(...read.seconds.map(({ start }) => start));
    // Windows are final 20 ms after their end.
    expect(read.mark).toBe(next ?? wallMs + 400_000 - 20);
    from = next;
  }
  expect(seconds).toEqual(Array.from({ length: 400 }, (_, second) => wallMs + second * 1_000));
  await expect(node.publisher.read({ of: 'counts', from: 0, to: wallMs })).resolves.toMatchObject(
    {},
  );
  node.publisher.hold();
  await expect(node.publisher.read({ of: 'counts', from: 0, to: wallMs })).rejects.toThrow(
    'may not publish',
  );
});

it.each([
  ['as it was', { boot: wallMs, voids: wallMs - 5, forked: false }, wallMs - 5],
  [
    'no more than this boot: a wrong clock',
    { boot: wallMs, voids: wallMs + 5, forked: false },
    wallMs,
  ],
  ['all before this boot: a copy', { boot: wallMs, voids: 0, forked: true }, wallMs],
])('voids earlier windows of reports: %s', (_, { boot, voids, forked }, wanted) => {
  const stored = (): never => {
    throw new Error('nothing is read');
  };
  const reports = { lineage: 7, voids, through: wallMs };
  const publisher = new Publisher({
    ...parts,
    source: { stored },
    clock: new VirtualClock(wallMs),
    published: { ...neverPublished, reports },
    newestEnd: 0,
  });
  publisher.announce({ boot, vouchedFrom: wallMs, forked }, 0);
  const { lineage, voids: said } = publisher.published().reports ?? {};
  expect({ lineage, said }).toEqual({ lineage: forked ? boot : 7, said: wanted });
});
