/** The nodes of a cluster as a merger shows them. */
import { allocateWindows, ms10PerSecond } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MergeState } from './merge-state.ts';
import { nodeNamed, nodeStates } from './node-list.ts';
import { packSecond } from './second.ts';
import { secondOf } from './testing/open-stream.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

let clock: VirtualClock;
let state: MergeState;

/** A node publishes that many messages in each of the first ten seconds. */
function publish(name: string, count: number, leaving = false): void {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1);
  windows.counts[0] = count;
  const packed = packSecond(windows);
  const seconds = Array.from({ length: 10 }, (_, at) => ({ start: startMs + at * 1_000, packed }));
  const mark = startMs + 10_000;
  const said = { boot: 1, revision: 1, vouchedFrom: 0, mark, clock: clock.wallMs + 3, leaving };
  state.apply(name, { ...said, seconds }, clock.read());
}

/** Ten seconds pass while these nodes are heard. */
function hear(...names: string[]): void {
  for (let second = 0; second < 10; second++) {
    clock.pass(1_000);
    // The same revision changes no count.
    for (const name of names) publish(name, 0);
  }
}

beforeEach(() => {
  clock = new VirtualClock(startMs + 10_500);
  const stored = { part: () => undefined, names: () => [], block: () => undefined };
  state = new MergeState({ silentAfterMs: 10_000, stored });
});

describe('the list of nodes', () => {
  it('has the rate of each node over ten seconds, its share, and its lag', () => {
    publish('a', 30);
    publish('b', 10);
    // An empty merger waits before anything is final.
    hear('a', 'b');
    expect(nodeStates(state, clock.read())).toMatchObject([
      { name: 'a', state: 'live', rate: 30, share: 0.75, lagMs: 10_500, clockOffsetMs: 3 },
      { name: 'b', state: 'live', rate: 10, share: 0.25 },
    ]);
  });

  it('has silent nodes and those that left, but not forgotten ones', () => {
    publish('a', 1);
    publish('b', 1, true);
    publish('c', 1);
    hear('d');
    nodeNamed(state, 'c').forgotten = true;
    const states = nodeStates(state, clock.read());
    expect(states.map(({ name, state: is }) => `${name} ${is}`)).toEqual([
      'a silent',
      'b left',
      'd live',
    ]);
  });

  it('reads no store, which may be failing', () => {
    let isFailing = false;
    const part = (): undefined => {
      if (isFailing) throw new Error('cannot read the store: it is being opened again');
    };
    const stored = { part, names: () => ['a', 'gone'], block: () => undefined };
    state = new MergeState({ silentAfterMs: 10_000, stored });
    publish('a', 30);
    publish('gone', 10, true);
    hear('a');
    clock.pass(60_000);
    const mark = startMs + 70_000;
    const seconds = [{ start: startMs + 60_000, packed: secondOf(1) }];
    const said = { boot: 1, revision: 2, vouchedFrom: 0, mark, clock: mark, leaving: false };
    state.apply('a', { ...said, seconds }, clock.read());
    isFailing = true;
    expect(nodeStates(state, clock.read())).toMatchObject([{ rate: 10 }, { rate: 0 }]);
  });

  it('names some nodes in the error for an unknown one', () => {
    expect(() => nodeNamed(state, 'x')).toThrow('got node "x"; the cluster has none yet');
    for (let at = 10; at < 22; at++) publish(`node-${at}`, 1);
    expect(() => nodeNamed(state, 'x')).toThrow(/the cluster has node-10, .*, node-19 and 2 more$/);
  });
});
