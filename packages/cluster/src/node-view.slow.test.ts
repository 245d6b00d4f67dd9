/**
 * The view of each node under every delivery equals the node's own store, and all views add up to the
 * cluster's: from memory, from a real store, and after a restart.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms10, ms10PerSecond, type Period, periods, type Windows } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { type CountsView, readChunks } from '@reto3/engine';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MergeState, type NodeRecord } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { MergedStore } from './merged-store.ts';
import { delivered, now, startMs } from './testing/virtual-lives.ts';
import { Vouches } from './vouches.ts';

const everything = { from: 0, to: startMs + 600_000 };
const ends = { finalThrough: 0, newestEnd: everything.to };
const names = ['a', 'b', 'c'];

let folder: string;
let store: MergedStore;
let folders = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-node-view-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function openEmpty(): Promise<void> {
  store = await MergedStore.open(join(folder, String(folders++)), new VirtualClock(startMs));
}

/** Like `Saver`. */
async function save(state: MergeState): Promise<void> {
  for (const node of state.nodes()) {
    const from = node.voidFrom;
    if (from !== undefined)
      for await (const start of store.minutesFrom(from)) state.applyVouches(node, start);
    node.voidFrom = undefined;
  }
  await saveUnsaved(state);
}

async function saveUnsaved(state: MergeState): Promise<void> {
  const minutes = state.minutes().filter((minute) => minute.unsavedParts > 0);
  const reports = new MergedReports(store, []);
  await store.save(minutes, reports, {
    ...{ stream: 'monday', position: 1, positionTime: 0, finalThrough: 0 },
    ...{ nodes: state.nodes(), reports: [] },
  });
}

/** Counted windows by their start. */
async function countsOf(
  view: CountsView,
  period: Period,
  reverse = false,
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  try {
    for await (const { start, windows } of readChunks(view, period, { ...everything, reverse }))
      for (const [index, count] of windows.counts.entries())
        if (windows.counted[index] === 1) counts.set(start + index * period.windowMs, count);
  } finally {
    await view.store.close();
  }
  return counts;
}

function countsIn(own: ReadonlyMap<number, Windows>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [start, { counts: all, counted }] of own)
    for (let index = 0; index < ms10PerSecond; index++)
      if (counted[index] === 1) counts.set(start + index * ms10.windowMs, all[index] ?? 0);
  return counts;
}

const sorted = (counts: ReadonlyMap<number, number>) => [...counts].sort(([a], [b]) => a - b);

async function expectNodes(
  state: MergeState,
  stores: readonly ReadonlyMap<number, Windows>[],
): Promise<void> {
  const viewOf = (name: string): CountsView => {
    const vouches = state.nodes().find((node) => node.name === name)?.vouches ?? new Vouches();
    return store.viewOfNode({ name, vouches }, state.minutes(), ends);
  };
  for (const period of Object.values(periods)) {
    const sum = new Map<number, number>();
    for (const name of names) {
      const counts = await countsOf(viewOf(name), period);
      for (const [start, count] of counts) sum.set(start, (sum.get(start) ?? 0) + count);
      expect(sorted(await countsOf(viewOf(name), period, true))).toEqual(sorted(counts));
    }
    const cluster = await countsOf(store.view(state.minutes(), ends), period);
    expect(sorted(sum)).toEqual(sorted(cluster));
  }
  for (const [index, own] of stores.entries())
    expect(sorted(await countsOf(viewOf(names[index] ?? ''), ms10))).toEqual(sorted(countsIn(own)));
}

describe('the views of single nodes', () => {
  it('have what each node has, and add up to the cluster', async () => {
    const runs = fc.asyncProperty(
      delivered,
      fc.array(fc.constantFrom('save', 'forget', 'go on')),
      async ([nodes, deliveries], steps) => {
        const stores = nodes.map((node) => node.store);
        let state = new MergeState({ silentAfterMs: 1_000, stored: store });
        for (const [index, { node, message }] of deliveries.entries()) {
          state.apply(node, message, now);
          if (steps[index] === 'save' || steps[index] === 'forget') await save(state);
          if (steps[index] === 'forget') state.forgetSaved(Infinity);
        }
        await save(state);
        await expectNodes(state, stores);
        const known: NodeRecord[] = state.nodes();
        state = new MergeState({ silentAfterMs: 1_000, stored: store, nodes: known });
        await expectNodes(state, stores);
      },
    );
    runs.beforeEach(openEmpty).afterEach(() => store.close());
    await fc.assert(runs, { numRuns: 30 });
  }, 120_000);

  it('leave out what a new boot voided, even if the store still has it', async () => {
    const runs = fc.asyncProperty(delivered, async ([nodes, deliveries]) => {
      const state = new MergeState({ silentAfterMs: 1_000, stored: store });
      for (const { node, message } of deliveries) {
        state.apply(node, message, now);
        await saveUnsaved(state);
        state.forgetSaved(Infinity);
      }
      for (const [index, { store: own }] of nodes.entries()) {
        const name = names[index] ?? '';
        const vouches = state.nodes().find((node) => node.name === name)?.vouches ?? new Vouches();
        const view = store.viewOfNode({ name, vouches }, [], ends);
        expect(sorted(await countsOf(view, ms10))).toEqual(sorted(countsIn(own)));
      }
    });
    runs.beforeEach(openEmpty).afterEach(() => store.close());
    await fc.assert(runs, { numRuns: 20 });
  }, 120_000);
});
