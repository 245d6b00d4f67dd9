/**
 * The merge under every delivery: messages of several nodes and boots, in any order, any number of
 * times, with the state saved and read again in between.
 */
import {
  alignDown,
  allocateWindows,
  copyOf,
  ms10,
  ms10PerSecond,
  sec,
  type Windows,
} from '@reto3/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergeState, type NodeRecord } from './merge-state.ts';
import type { StoredMinutes } from './merged-minute.ts';
import { Part, partName } from './part.ts';
import { type Delivery, delivered, now, secondsInPlay, startMs } from './testing/virtual-lives.ts';
import { Vouches } from './vouches.ts';

const nowhere: StoredMinutes = {
  part: () => undefined,
  names: () => [],
  block: () => undefined,
};

/** A store in memory, with encoded parts. */
class Kept implements StoredMinutes {
  readonly rows = new Map<string, Uint8Array>();
  readonly blocks = new Map<number, Windows>();
  readonly #names = new Set<string>();

  part(start: number, name: string): Part | undefined {
    const bytes = this.rows.get(partName(start, name));
    return bytes && Part.decode(bytes, partName(start, name));
  }

  names(): Iterable<string> {
    return this.#names;
  }

  block(start: number): Windows | undefined {
    const block = this.blocks.get(start);
    return block && copyOf(block);
  }

  save(state: MergeState): void {
    // Like `Saver`.
    for (const node of state.nodes()) {
      if (node.voidFrom !== undefined)
        for (const start of this.blocks.keys()) state.applyVouches(node, start);
      node.voidFrom = undefined;
    }
    for (const minute of state.minutes()) {
      for (const change of minute.takeUnsaved().changes) {
        if (!('part' in change)) continue;
        this.#names.add(change.part);
        this.rows.set(partName(minute.start, change.part), change.bytes);
      }
      this.blocks.set(minute.start, copyOf(minute.ms10));
    }
  }
}

function expectSums(state: MergeState, stores: readonly Map<number, Windows>[]): void {
  const wanted = allocateWindows(secondsInPlay * ms10PerSecond);
  for (const store of stores) {
    for (const [start, windows] of store) {
      const first = (start - startMs) / ms10.windowMs;
      for (let index = 0; index < ms10PerSecond; index++) {
        wanted.counts[first + index] =
          (wanted.counts[first + index] ?? 0) + (windows.counts[index] ?? 0);
        if (windows.counted[index] === 1) wanted.counted[first + index] = 1;
      }
    }
  }
  const got = allocateWindows(secondsInPlay * ms10PerSecond);
  for (let second = 0; second < secondsInPlay; second++) {
    const start = startMs + second * sec.windowMs;
    const minute = state.minute(alignDown(start, ms10.blockMs));
    minute.settle(0);
    const first = (start - minute.start) / ms10.windowMs;
    got.counts.set(
      minute.ms10.counts.subarray(first, first + ms10PerSecond),
      second * ms10PerSecond,
    );
    got.counted.set(
      minute.ms10.counted.subarray(first, first + ms10PerSecond),
      second * ms10PerSecond,
    );
    const total = minute.ms10.counts
      .subarray(first, first + ms10PerSecond)
      .reduce((a, b) => a + b, 0);
    expect(minute.sec.counts[(start - minute.start) / sec.windowMs]).toBe(total);
    expect(minute.min.counts[0]).toBe(minute.ms10.counts.reduce((a, b) => a + b, 0));
  }
  expect(got.counts).toEqual(wanted.counts);
  expect(got.counted).toEqual(wanted.counted);
}

describe('the merge', () => {
  it("is the sum of the nodes' stores, in whatever order and however often messages come", () => {
    fc.assert(
      fc.property(delivered, ([nodes, deliveries]) => {
        const state = new MergeState({ silentAfterMs: 1_000, stored: nowhere });
        for (const { node, message } of deliveries) state.apply(node, message, now);
        expectSums(
          state,
          nodes.map(({ store }) => store),
        );
      }),
    );
  });

  it('gives the same when it is saved, dropped and read again between any two messages', () => {
    fc.assert(
      fc.property(delivered, fc.array(fc.boolean()), ([nodes, deliveries], restarts) => {
        const kept = new Kept();
        let state = new MergeState({ silentAfterMs: 1_000, stored: kept });
        let replay: Delivery[] = [];
        for (const [index, delivery] of deliveries.entries()) {
          state.apply(delivery.node, delivery.message, now);
          replay.push(delivery);
          if (restarts[index] === true) {
            kept.save(state);
            // Killed: the messages since the save before come again.
            const nodes: NodeRecord[] = state.nodes().map((node) => ({
              ...node,
              vouches: new Vouches(node.vouches.steps),
            }));
            state = new MergeState({ silentAfterMs: 1_000, stored: kept, nodes });
            for (const { node, message } of replay) state.apply(node, message, now);
            replay = [];
          } else if (restarts[index] === false) {
            kept.save(state);
            state.forgetSaved(Infinity);
          }
        }
        kept.save(state);
        expectSums(
          state,
          nodes.map(({ store }) => store),
        );
        // The blocks in the store are the same.
        for (const [start, block] of kept.blocks)
          expect(block.counts).toEqual(state.minute(start).ms10.counts);
      }),
    );
  });

  it('calls nothing final beyond a mark it waits for or its own clock, and never goes back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            node: fc.constantFrom('a', 'b', 'c'),
            boot: fc.integer({ min: 1, max: 3 }),
            mark: fc.integer({ min: startMs - 50, max: startMs + 50 }),
            passMs: fc.integer({ min: 0, max: 400 }),
            leaving: fc.boolean(),
          }),
        ),
        (steps) => {
          const state = new MergeState({ silentAfterMs: 1_000, stored: nowhere });
          let monotonicMs = 0;
          let before = 0;
          for (const { node, passMs, ...step } of steps) {
            monotonicMs += passMs;
            const moment = { wallMs: startMs, monotonicMs };
            const message = { ...step, revision: 1, vouchedFrom: 0, clock: 0, seconds: [] };
            state.apply(node, message, moment);
            const waited = state.nodes().filter((known) => state.isAwaited(known, moment));
            const final = state.finalThrough(moment);
            const oldest = Math.min(startMs, ...waited.map(({ mark }) => mark));
            const listened = monotonicMs >= 1_000 + (steps[0]?.passMs ?? 0);
            expect(final).toBe(
              waited.length === 0 || !listened ? before : Math.max(before, oldest),
            );
            before = final;
          }
        },
      ),
    );
  });
});
