/**
 * How much a merger reads from its store, counted and not timed: a change of one node costs the same
 * with a thousand nodes as with ten, and names of nodes that are gone cost nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocateWindows, min, ms10PerSecond, totalOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MergeState } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { MergedStore } from './merged-store.ts';
import type { NodeMessage } from './message.ts';
import { packSecond } from './second.ts';
import { secondOf } from './testing/open-stream.ts';

const startMs = Date.UTC(2016, 4, 28, 11);
const now = { wallMs: startMs, monotonicMs: 0 };
const minutes = [0, 1, 2].map((minute) => startMs + minute * min.windowMs);

/** A second of which so many windows are counted, with a message in each. */
function openSecond(counted: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1, 0, counted);
  windows.counts.fill(1, 0, counted);
  return packSecond(windows);
}

describe('what a merger reads from its store', () => {
  let folder: string;
  let store: MergedStore;
  let state: MergeState;
  /** The names of the nodes whose parts were read. */
  let read: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-cost-'));
    store = await MergedStore.open(folder, new VirtualClock(startMs));
    state = new MergeState({ silentAfterMs: 10_000, stored: store });
    read = [];
    const part = store.part.bind(store);
    vi.spyOn(store, 'part').mockImplementation((start, node) => {
      read.push(node);
      return part(start, node);
    });
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  /** A node publishes 100 messages in the second that starts then, epoch ms. */
  function publish(node: string, starts: readonly number[], more: Partial<NodeMessage> = {}): void {
    const said = { boot: 1, revision: 1, vouchedFrom: 0, mark: startMs, clock: startMs };
    const seconds = starts.map((start) => ({ start, packed: secondOf(1) }));
    state.apply(node, { ...said, leaving: false, seconds, ...more }, now);
  }

  /** As `Saver`, which also drops from memory what it saved. */
  async function save(): Promise<void> {
    const place = { stream: 'S', position: 1, positionTime: 1, finalThrough: 0 };
    const record = { ...place, nodes: state.nodes(), reports: [] };
    await store.save(state.minutes(), new MergedReports(store, []), record);
    state.forgetSaved(Number.POSITIVE_INFINITY);
  }

  /** So many nodes have a second in each minute. */
  async function fill(nodes: number): Promise<void> {
    for (let node = 0; node < nodes; node++) publish(`n${node}`, minutes);
    await save();
    read = [];
  }

  it.each([10, 1_000])('of %i nodes, a late second reads the part of its node', async (nodes) => {
    await fill(nodes);
    publish('n7', [startMs + 30_000], { revision: 2 });
    const [minute] = state.minutes();
    expect(minute && totalOf(minute.ms10)).toBe(100 * nodes + 100);
    expect(read).toEqual(['n7']);
  });

  it('a second that grows reads the part of its node', async () => {
    await fill(10);
    publish('late', [], { seconds: [{ start: startMs, packed: openSecond(30) }] });
    publish('late', [], { revision: 2, seconds: [{ start: startMs, packed: openSecond(60) }] });
    const [minute] = state.minutes();
    expect(minute && totalOf(minute.ms10)).toBe(10 * 100 + 60);
    expect(read).toEqual(['late']);
  });

  it.each([10, 50])('a new merger reads a part for each minute of %i nodes', async (nodes) => {
    for (let node = 0; node < nodes; node++) {
      publish(`n${node}`, minutes);
      await save();
    }
    expect(read).toHaveLength(nodes * minutes.length);
  });

  it.each([10, 1_000])('of %i nodes, a restored one makes it read one other', async (nodes) => {
    await fill(nodes);
    publish('n7', [], { boot: 2 });
    const [node] = state.nodes().filter(({ name }) => name === 'n7');
    if (node === undefined) throw new Error('BUG: n7 is unknown');
    for await (const start of store.minutesFrom(0)) state.applyVouches(node, start);
    const left = state.minutes().map(({ ms10 }) => totalOf(ms10));
    expect(left).toEqual(minutes.map(() => 100 * (nodes - 1)));
    // In each minute its own part, to see whether anything is void and to void it.
    const others = new Set(read.filter((name) => name !== 'n7'));
    expect([read.length, others.size]).toEqual([3 * minutes.length, 1]);
  });

  it('of a minute that a new boot sent again, reads only the part', async () => {
    await fill(10);
    publish('n7', [minutes[0] ?? 0], { boot: 2 });
    await save();
    const node = state.node('n7');
    if (node === undefined) throw new Error('BUG: n7 is unknown');
    read = [];
    expect(minutes.map((start) => state.applyVouches(node, start))).toEqual([false, true, true]);
    expect(read).toEqual(Array(1 + 2 * 2).fill('n7'));
  });

  it('reads nothing of nodes that were gone before a minute began', async () => {
    await fill(1_000);
    const later = startMs + 60 * min.windowMs;
    publish('new', [later]);
    // It lost its second again, so perhaps nobody counts it.
    publish('new', [], { boot: 2, vouchedFrom: later });
    await save();
    expect(store.block(later)?.counted.includes(1)).toBe(false);
    expect(read).toEqual(['new']);
  });
});
