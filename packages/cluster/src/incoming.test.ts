/**
 * A merger on a stream that anyone writes to: it counts and skips invalid messages, and the sums of
 * the other nodes stay exact.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms10, sec, totalOf, VarintWriter } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { pack, readChunks } from '@reto3/engine';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MergedStore } from './merged-store.ts';
import { Merger } from './merger.ts';
import { decodeRequest, encodeDigests, encodeRows, type ReadRequest } from './read-message.ts';
import {
  counts,
  ListedStream,
  mutated,
  prefix,
  reports,
  type Sent,
  secondOf,
  startMs,
  stream,
  windowAt,
  year3000,
} from './testing/open-stream.ts';
import { silentLog } from './testing/silent-log.ts';

const dayMs = 86_400_000;
const none = { seconds: [] };

describe('a merger on a stream that anyone writes to', () => {
  let folder: string;
  let store: MergedStore;
  let merger: Merger;
  let clock: VirtualClock;
  let listed: ListedStream;
  let logged: string[];
  let saveFailures: unknown[];
  let reads: ReadRequest[];

  function makeMerger(): Merger {
    return new Merger({
      store,
      clock,
      silentAfterMs: 10_000,
      subjects: [prefix],
      request: async (_, name, bytes) => answer(name, decodeRequest(bytes)),
      log: {
        ...silentLog,
        warn: (...[fields, text]: readonly unknown[]) =>
          void logged.push(`${Object.values(Object(fields)).join(' ')} ${text}`),
        error: (...line: readonly unknown[]) => void saveFailures.push(line),
      },
    });
  }

  /** The reply of a node without counts. */
  function answer(name: string, request: ReadRequest): Uint8Array {
    reads.push(request);
    const message = request.of === 'reports' ? reports(name, { windows: [] }) : counts(name, none);
    const nothing = { keptFrom: 0, lineage: 0, next: undefined, digests: [] };
    if (request.of === 'minutes') return encodeDigests(nothing);
    return encodeRows({ message: message.data, next: undefined });
  }

  async function take(...sent: readonly Sent[]): Promise<void> {
    listed.add(sent);
    await merger.run(listed.jetStream, stream);
  }

  /** The cluster's sum, or that of one node. */
  async function total(name?: string): Promise<number> {
    const view = merger.view(name);
    const range = { from: startMs - 600_000, to: startMs + 600_000 };
    let sum = 0;
    try {
      for await (const { windows } of readChunks(view, ms10, range)) sum += totalOf(windows);
    } finally {
      await view.store.close();
    }
    return sum;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-incoming-'));
    clock = new VirtualClock(startMs);
    store = await MergedStore.open(folder, clock);
    listed = new ListedStream();
    [logged, saveFailures, reads] = [[], [], []];
    merger = makeMerger();
  });

  afterEach(async () => {
    await merger.stop();
    await store.close();
    await rm(folder, { recursive: true });
  });

  const at2to60 = counts('b', { seconds: [{ start: 2 ** 60, packed: secondOf(1) }] });
  const unaligned = counts('b', { seconds: [{ start: startMs - 1_500, packed: secondOf(1) }] });
  const tooMany = counts('b', {
    seconds: [{ start: startMs - 1_000, packed: secondOf(2 ** 32 - 1) }],
  });
  const repeated = counts('b', {
    seconds: [1, 2].map((count) => ({ start: startMs - 1_000, packed: secondOf(count) })),
  });
  const ahead = startMs + 61_000;
  it.each<readonly [string, Sent]>([
    ['a second at 2^60', at2to60],
    ['a second that begins inside one', unaligned],
    ['a second twice', repeated],
    ['more messages than a sum can hold', tooMany],
    ['a second ahead of now', counts('b', { seconds: [{ start: ahead, packed: secondOf(1) }] })],
    ['a mark in the year 3000', counts('b', { mark: year3000 })],
    ['a clock ahead', counts('b', { clock: ahead })],
    ['a boot that no clock shows', counts('b', { boot: Number.MAX_SAFE_INTEGER })],
    ['a boot more than a day ahead', counts('b', { boot: startMs + dayMs + 1 })],
    ['a name with ESC', counts('b\u001b[31mred')],
    ['a name with a blank', counts('b c')],
    ['an empty name', counts('')],
    ['a name that is too long', counts('b'.repeat(65))],
    ['another subject of the stream', { ...counts('b'), subject: 'others.b' }],
    ['a subject below a node', { ...counts('b'), subject: `${prefix}.x.b` }],
    ['nothing', { name: 'b', data: new Uint8Array() }],
    [
      'a report message: a mark in the year 3000',
      reports('b', { marks: { ms10: 0, sec: year3000, min: 0 } }),
    ],
    [
      'a report message: a boot that no clock shows',
      reports('b', { boot: Number.MAX_SAFE_INTEGER }),
    ],
    ['a report message: a boot more than a day ahead', reports('b', { boot: startMs + dayMs + 1 })],
    [
      'a report message: it voids boots more than a day ahead',
      reports('b', { voids: startMs + dayMs + 1 }),
    ],
    ['a report message: a window far ahead', reports('b', { windows: [windowAt(year3000)] })],
    [
      'a report message: a name with a slash',
      reports('b', { windows: [{ ...windowAt(startMs), report: 'a/sec/' }] }),
    ],
    ['a report message: reports that are none', { name: 'b', data: withReports('{"name":1}') }],
    [
      'a report message: a report without columns',
      { name: 'b', data: withReports('[{"name":"x"}]') },
    ],
    ['a report message: no JSON', { name: 'b', data: withReports('[') }],
    ['a report message: a number beyond 2^53', { name: 'b', data: beyond() }],
    ['a report message: an inflated bomb', { name: 'b', data: bomb() }],
    [
      'a report message: more windows than a node sends',
      reports('b', {
        windows: Array.from({ length: 8_193 }, (_, ago) => windowAt(startMs - ago * 1_000)),
      }),
    ],
  ])('skips %s', async (_, bad) => {
    await take(counts('a'), bad, counts('c'), reports('c'));
    expect(merger.counters).toMatchObject({ position: 4, badMessages: 1 });
    expect(logged).toHaveLength(1);
    expect(logged.join()).not.toMatch(/\p{Cc}/u);
    expect(await total()).toBe(200);
    expect(merger.nodes()).toMatchObject([
      { name: 'a', mark: startMs },
      { name: 'c', mark: startMs },
    ]);
    await merger.stop();
    expect(saveFailures).toEqual([]);
  });

  it('logs the bad messages of a subject once an hour, and of few subjects', async () => {
    const bad = counts('b', { mark: year3000 });
    await take(bad, bad, counts('c', { mark: year3000 }));
    expect(logged).toHaveLength(2);
    clock.pass(3_600_000);
    await take(bad);
    expect(logged).toHaveLength(3);
    await take(...Array.from({ length: 500 }, (_, index) => counts(`\u001b${index}`)));
    expect(merger.counters.badMessages).toBe(504);
    expect(logged).toHaveLength(100 + 2);
  });

  it('reads from the node what it rejected, once a wrong clock is right again', async () => {
    await take(counts('a'));
    expect(merger.unread()).toEqual(['a']);
    const pull = async (isDone: () => boolean): Promise<void> => {
      reads.length = 0;
      const stop = new AbortController();
      const pulling = merger.pull(stop.signal);
      await vi.waitUntil(isDone, 30_000);
      stop.abort();
      await pulling;
    };
    const hear = (times: { mark: number; clock: number }): void =>
      merger.takePast(prefix, 'a', counts('a', { ...times, revision: 8, seconds: [] }).data);
    await pull(() => merger.unread().length === 0);
    expect(reads).toContainEqual({ of: 'minutes', from: 0, to: startMs - 30_000 });
    hear({ mark: startMs + 600_000, clock: startMs + 600_000 });
    expect(merger.counters.badMessages).toBe(1);
    clock.pass(150_000);
    hear({ mark: clock.wallMs, clock: clock.wallMs });
    await pull(() => reads.some(({ from, to }) => from < startMs && startMs < to));
  });

  it('still lacks all nodes after a restart, until it has found the stream', async () => {
    await take(counts('a'), counts('gone', { leaving: true }));
    await merger.stop();
    await store.close();
    store = await MergedStore.open(folder, clock);
    merger = makeMerger();
    clock.pass(60_000);
    expect(merger.unread()).toEqual(['a']);
    await take();
    // It is silent, and nothing can be read.
    expect(merger.unread()).toEqual([]);
  });

  it('bounds what it keeps of the boots of a node', async () => {
    const boots = Array.from({ length: 1_500 }, (_, at) => startMs - 3_000 + at);
    await take(...boots.map((boot) => counts('b', { boot, vouchedFrom: boot, seconds: [] })));
    await merger.stop();
    expect(store.record?.nodes[0]?.vouches.steps).toHaveLength(1_000);
  });

  it('takes the windows of a report, but not those that a client put far ahead', async () => {
    await take(reports('b', { windows: [windowAt(startMs - 1_000), windowAt(year3000)] }));
    expect(merger.counters.badMessages).toBe(1);
    const starts = merger.reports.inMemory('paths', 'sec').map(({ start }) => start);
    expect(starts).toEqual([startMs - 1_000]);
  });

  it('ignores impossible times and names that an early version stored', async () => {
    for (let second = 0; second < 12; second++) {
      await take(counts('a'), counts('b'));
      clock.pass(sec.windowMs);
    }
    expect(merger.finalThrough).toBe(startMs);
    await merger.stop();
    const { record } = store;
    const [node] = record?.nodes ?? [];
    if (record === undefined || node === undefined) throw new Error('BUG: nothing is saved');
    const nodes = [...record.nodes, { ...node, name: '\u001b[31mred' }];
    await store.save([], merger.reports, { ...record, nodes });
    clock.step(-3_612_000);
    await store.close();
    store = await MergedStore.open(folder, clock);
    merger = makeMerger();
    expect(merger.finalThrough).toBe(startMs - 3_600_000);
    expect(merger.nodes()).toMatchObject(Array(2).fill({ mark: startMs - 3_600_000 + 60_000 }));
  });

  it('hears a node although someone sent a boot far ahead under its name', async () => {
    await take(counts('a', { boot: year3000 }), reports('a', { boot: year3000, voids: year3000 }));
    expect(logged.join()).toMatch(/its boot is \d+ ms ahead of this server's clock/);
    await take(counts('a'), reports('a'));
    expect(await total('a')).toBe(100);
    expect(merger.nodes()).toMatchObject([{ name: 'a', boot: startMs - 60_000, mark: startMs }]);
    expect(merger.reports.nodes()).toMatchObject([{ node: 'a', boot: startMs - 60_000, voids: 0 }]);
  });

  it('hears a node that counted while its clock was ahead, and started again since', async () => {
    await take(counts('a', { vouchedFrom: startMs + 3_600_000 }));
    expect(merger.counters.badMessages).toBe(0);
    expect(await total('a')).toBe(100);
    expect(merger.nodes()).toMatchObject([{ name: 'a', mark: startMs }]);
  });

  it('takes the boots of a node whose clock showed local time for UTC', async () => {
    await take(counts('a', { boot: startMs + 14 * 3_600_000 }));
    expect(merger.counters.badMessages).toBe(0);
    expect(await total('a')).toBe(100);
  });

  it('hears a node although an early version stored a boot far ahead', async () => {
    const wrong = { boot: startMs, vouchedFrom: 0, revision: 900 };
    await take(counts('a'), counts('a', { ...wrong, seconds: [] }));
    await take(reports('a', { boot: startMs, voids: startMs, revision: 900 }));
    await merger.stop();
    // Two days earlier that boot is far ahead, even before a message came.
    clock.step(-2 * dayMs);
    await store.close();
    store = await MergedStore.open(folder, clock);
    merger = makeMerger();
    expect(merger.nodes()).toMatchObject([{ name: 'a', boot: 0 }]);
    expect(merger.unread()).toEqual(['a']);
    expect(merger.reports.nodes()).toMatchObject([{ node: 'a', boot: 0, voids: 0 }]);
    const earlier = startMs - 2 * dayMs;
    const boot = earlier - 60_000;
    const now = { boot, vouchedFrom: boot, mark: earlier, clock: earlier };
    await take(counts('a', { ...now, seconds: [{ start: earlier - 1_000, packed: secondOf(1) }] }));
    expect(merger.nodes()).toMatchObject([{ name: 'a', boot }]);
    // What the wrong boot vouched for voids nothing.
    expect(merger.counters.secondsVoid).toBe(0);
  });

  it('adds up no more nodes a day than its sums can hold', async () => {
    const many = Array.from({ length: 4_096 }, (_, index) => counts(`n${index}`, { seconds: [] }));
    await take(...many, counts('one-more'), counts('n0'));
    expect(merger.counters.badMessages).toBe(1);
    expect(await total()).toBe(100);
    clock.pass(86_400_000);
    await take(counts('one-more'));
    expect(merger.counters.badMessages).toBe(1);
  });

  it('limits the names that send only reports, and still hears nodes that count', async () => {
    await take(counts('a'), counts('b'));
    await take(...Array.from({ length: 4_096 }, (_, index) => reports(`n${index}`)));
    await take(reports('one-more'), reports('a'));
    expect(merger.counters.badMessages).toBe(1);
    expect(merger.reports.nodes()).toHaveLength(4_097);
    expect(merger.reports.nodes()[0]).toMatchObject({ node: 'a' });
  });

  it('takes nothing while its disk fails, logs that once, and goes on when it works', async () => {
    const minutes = Array.from({ length: 70 }, (_, ago) =>
      counts('a', {
        revision: 70 - ago,
        seconds: [{ start: startMs - 60_000 * (70 - ago), packed: secondOf(1) }],
      }),
    );
    const save = vi.spyOn(store, 'save').mockImplementation(async () => {
      await new Promise(setImmediate);
      throw new Error('ENOSPC');
    });
    const taking = take(...minutes);
    await vi.waitUntil(() => save.mock.calls.length >= 2, 30_000);
    expect(merger.counters.messages).toBe(64);
    // Nor past the stream, whose messages cause no further attempts.
    const attempts = save.mock.calls.length;
    for (const { name, data } of minutes) {
      merger.takePast(prefix, name, data);
      await new Promise(setImmediate);
    }
    expect(save.mock.calls.length).toBeLessThan(attempts + 5);
    expect([...merger.minutesInMemory()]).toHaveLength(64);
    expect(saveFailures).toHaveLength(1);
    save.mockRestore();
    await taking;
    expect(merger.counters.messages).toBe(70);
    expect(saveFailures).toHaveLength(1);
  });

  it('takes no more rows of reports than may be unsaved while its disk fails', async () => {
    const windows = Array.from({ length: 5_000 }, (_, ago) => {
      return { ...windowAt(startMs - 1_000 * ago), period: 'ms10' as const };
    });
    const save = vi.spyOn(store, 'save').mockRejectedValue(new Error('ENOSPC'));
    const taking = take(reports('a', { windows }), counts('b'));
    await vi.waitUntil(() => save.mock.calls.length >= 2, 30_000);
    expect(merger.counters.messages).toBe(1);
    save.mockRestore();
    await taking;
    expect(merger.counters.messages).toBe(2);
  });

  it('saves what comes past a stream that delivers nothing', async () => {
    const save = vi.spyOn(store, 'save');
    for (let ago = 70; ago > 0; ago--) {
      const seconds = [{ start: startMs - 60_000 * ago, packed: secondOf(1) }];
      merger.takePast(prefix, 'a', counts('a', { revision: 70 - ago, seconds }).data);
      await vi.waitUntil(() => [...merger.minutesInMemory()].length < 64);
    }
    expect(save).toHaveBeenCalled();
    expect(await total()).toBe(1_000);
  });

  it.each([
    [new Error('IO error: /data/cluster/000005.ldb: Input/output error'), 0],
    [new TypeError('x is not a function'), 1],
  ])('survives a message past the stream that it cannot add: %s', async (error, mistakes) => {
    await take(counts('a'));
    vi.spyOn(store, 'part').mockImplementation(() => {
      throw error;
    });
    for (let time = 0; time < 3; time++) merger.takePast(prefix, 'b', counts('b').data);
    vi.restoreAllMocks();
    expect(await total()).toBe(100);
    expect(saveFailures).toHaveLength(mistakes);
    const text = expect.stringMatching(/^a bug in reto3: cannot add up/);
    if (mistakes > 0) expect(saveFailures).toEqual([[{ err: error }, text]]);
  });

  it('stays exact, whatever another node publishes', async () => {
    let expected = 0;
    let revision = 10;
    await fc.assert(
      fc.asyncProperty(fc.array(mutated, { minLength: 1, maxLength: 40 }), async (bad) => {
        expected += 100;
        const start = startMs - (revision % 60) * sec.windowMs;
        const said = { revision: revision++, seconds: [{ start, packed: secondOf(1) }] };
        await take(...bad, counts('a', said), ...bad);
        expect(await total('a')).toBe(Math.min(expected, 6_000));
        const strangers = merger.nodes().filter(({ name }) => name !== 'a');
        let others = 0;
        for (const { name } of strangers) others += await total(name);
        expect(await total()).toBe(Math.min(expected, 6_000) + others);
        expect(merger.finalThrough).toBeLessThanOrEqual(startMs + 60_000);
        for (const { name, mark } of strangers) {
          expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
          // Its mark decides once windows wait for no other node.
          expect(mark).toBeLessThanOrEqual(startMs + 60_000);
        }
      }),
      { numRuns: 100 },
    );
    expect(merger.counters.badMessages).toBeGreaterThan(500);
    await merger.stop();
    expect(saveFailures).toEqual([]);
  });
});

function withReports(json: string): Uint8Array {
  const writer = new VarintWriter();
  for (let field = 0; field < 7; field++) writer.number(0);
  return pack(2, writer.bytes(Buffer.from(json)).end(), Buffer.from('b'));
}
function beyond(): Uint8Array {
  return pack(2, Buffer.concat([Buffer.alloc(400, 0xff), Buffer.alloc(20)]), Buffer.from('b'));
}
function bomb(): Uint8Array {
  return pack(2, Buffer.alloc(5 << 20), Buffer.from('b'));
}
