/** What is final in the cluster, and which nodes it waits for. */
import { sec } from '@reto3/core';
import { describe, expect, it } from 'vitest';
import { decodeMergeRecord, encodeMergeRecord } from './merge-record.ts';
import { type MergeOptions, MergeState, type Moment } from './merge-state.ts';
import type { NodeMessage } from './message.ts';
import { secondOf } from './testing/open-stream.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const silentAfterMs = 10_000;
const stored = { part: () => undefined, names: () => [], block: () => undefined };

/** So many ms after the start, by both clocks. */
function at(ms: number): Moment {
  return { wallMs: startMs + ms, monotonicMs: ms };
}

/** A node's message at that time with all seconds from `from` on. */
function said(ms: number, from: number, changes: Partial<NodeMessage> = {}): NodeMessage {
  const seconds = [];
  for (let second = from; second < ms; second += sec.windowMs)
    seconds.push({ start: startMs + second, packed: secondOf(1) });
  const times = { mark: startMs + ms, clock: startMs + ms, vouchedFrom: startMs };
  return { boot: 1, revision: ms, leaving: false, seconds, ...times, ...changes };
}

class Scene {
  readonly state: MergeState;

  constructor(options: MergeOptions = { silentAfterMs, stored }) {
    this.state = new MergeState(options);
  }

  /** These nodes publish once a second, in ms after the start. */
  publish(nodes: readonly string[], from: number, to: number): void {
    for (let ms = from + sec.windowMs; ms <= to; ms += sec.windowMs)
      for (const node of nodes) this.state.apply(node, said(ms, ms - sec.windowMs), at(ms));
  }

  /** In ms after the start. */
  final(ms: number): number {
    return this.state.finalThrough(at(ms)) - startMs;
  }
}

describe('what is final', () => {
  it('waits for every node again after NATS was away, whichever comes back first', () => {
    const scene = new Scene();
    scene.publish(['a', 'b'], 0, 12_000);
    expect(scene.final(12_000)).toBe(12_000);
    expect(scene.final(36_000)).toBe(12_000);
    scene.state.apply('a', said(36_000, 12_000), at(36_050));
    expect(scene.final(36_060)).toBe(12_000);
    scene.publish(['a'], 36_000, 44_000);
    expect(scene.final(44_000)).toBe(12_000);
    scene.state.apply('b', said(44_000, 12_000), at(44_000));
    expect(scene.final(44_000)).toBe(44_000);
    const [minute] = scene.state.minutes();
    expect(minute?.sec.counts.slice(12, 44)).toEqual(new Float64Array(32).fill(200));
    expect(minute?.sec.revised.includes(1)).toBe(false);
  });

  it('waits no longer for a node that is silent while another is heard', () => {
    const scene = new Scene();
    scene.publish(['a', 'b'], 0, 12_000);
    scene.publish(['a'], 12_000, 21_000);
    expect(scene.final(21_000)).toBe(12_000);
    scene.publish(['a'], 21_000, 23_000);
    expect(scene.final(23_000)).toBe(23_000);
  });

  it('does not wait again for a node that was silent before NATS was away', () => {
    const scene = new Scene();
    scene.publish(['a', 'b', 'c'], 0, 12_000);
    scene.publish(['a', 'c'], 12_000, 30_000);
    scene.state.apply('a', said(60_000, 30_000), at(60_000));
    scene.state.apply('c', said(60_000, 30_000), at(60_000));
    expect(scene.final(60_000)).toBe(60_000);
  });

  it('is nothing in an empty merger until every live node had time to be heard', () => {
    const scene = new Scene();
    scene.publish(['a'], 0, 3_000);
    expect(scene.final(3_000)).toBe(-startMs);
    // It was cut off, so the time starts again.
    scene.publish(['a'], 30_000, 35_000);
    expect(scene.final(35_000)).toBe(-startMs);
    scene.publish(['a', 'b'], 35_000, 41_000);
    expect(scene.final(41_000)).toBe(41_000);
  });

  it('waits after a restart for every node that it knew', () => {
    const scene = new Scene();
    scene.publish(['a', 'b'], 0, 12_000);
    const place = { stream: 'monday', position: 1, positionTime: 0 };
    const finalThrough = startMs + scene.final(12_000);
    const known = { finalThrough, nodes: scene.state.nodes(), reports: [] };
    const record = decodeMergeRecord(encodeMergeRecord({ ...place, ...known }), 60_000);
    const again = new Scene({ silentAfterMs, stored, ...record });
    again.state.apply('a', said(60_000, 12_000), at(60_000));
    expect(again.final(60_000)).toBe(12_000);
    again.publish(['a'], 60_000, 69_000);
    expect(again.final(69_000)).toBe(12_000);
    again.publish(['a'], 69_000, 71_000);
    expect(again.final(71_000)).toBe(71_000);
  });

  it('ignores the mark of a message past the stream until the stream joins it', () => {
    const scene = new Scene();
    scene.publish(['a'], 0, 11_000);
    const tail = (ms: number, from: number) => scene.state.apply('a', said(ms, from), at(ms), true);
    tail(11_300, 11_000);
    expect(scene.final(11_300)).toBe(11_300);
    // The second before it has not arrived.
    tail(12_300, 12_000);
    expect(scene.final(12_300)).toBe(11_300);
    scene.publish(['a'], 11_000, 12_000);
    tail(12_400, 12_000);
    expect(scene.final(12_400)).toBe(12_400);
  });

  it('waits until a new boot has published again what it vouches for', () => {
    const scene = new Scene();
    scene.publish(['a', 'b'], 0, 8_000);
    scene.publish(['a'], 8_000, 12_000);
    expect(scene.final(12_000)).toBe(8_000);
    const boot = { boot: 2, vouchedFrom: startMs + 5_000 };
    // A reply to a read may come first, and begins later.
    scene.state.apply('a', said(12_000, 11_000, boot), at(12_100), true);
    scene.state.apply('b', said(12_000, 8_000), at(12_200));
    expect(scene.final(12_300)).toBe(8_000);
    scene.state.apply('a', said(9_000, 5_000, boot), at(12_400));
    expect(scene.final(12_400)).toBe(9_000);
    scene.state.apply('a', said(12_000, 9_000, boot), at(12_500));
    expect(scene.final(12_500)).toBe(12_000);
  });

  it('is never ahead of the clock of the merger', () => {
    const scene = new Scene();
    scene.publish(['right'], 0, 12_000);
    scene.state.apply('right', said(12_000, 11_000, { leaving: true }), at(12_000));
    const ahead = { mark: startMs + 60_000, clock: startMs + 60_000 };
    scene.state.apply('fast', said(12_000, 12_000, ahead), at(12_000));
    expect(scene.final(12_000)).toBe(12_000);
    scene.publish(['right'], 12_000, 13_000);
    expect(scene.final(13_000)).toBe(13_000);
  });
});

describe('a forgotten node', () => {
  it('does not delay windows, and is back when it publishes', () => {
    const scene = new Scene();
    scene.publish(['a', 'b'], 0, 12_000);
    const b = scene.state.node('b');
    if (b === undefined) throw new Error('BUG: nobody heard of b');
    b.forgotten = true;
    scene.publish(['a'], 12_000, 13_000);
    expect(scene.final(13_000)).toBe(13_000);
    expect(scene.state.minutes()[0]?.sec.counts[5]).toBe(200);
    scene.publish(['a', 'b'], 13_000, 14_000);
    scene.publish(['a'], 14_000, 15_000);
    expect(scene.final(15_000)).toBe(14_000);
  });
});
