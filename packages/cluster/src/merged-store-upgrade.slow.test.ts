/**
 * The first opening of a merger's folder of an earlier version, killed at every step: whatever a
 * kill leaves opens, with the counts of all nodes.
 */
import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeriodName, periodNames, periods } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { type CountsView, readChunks } from '@reto3/engine';
import { atEachStep } from '@reto3/engine/src/testing/disk-steps.ts';
import {
  above0,
  releasedMerger,
  unpackReleased,
} from '@reto3/engine/src/testing/released-folder.ts';
import { expect, it, vi } from 'vitest';
import { MergedStore } from './merged-store.ts';

vi.mock(import('node:fs/promises'), async (original) =>
  (await import('@reto3/engine/src/testing/disk-steps.ts')).steppedModule(await original()),
);

/** Opens the folder, and closes it again. Returns the counts above 0 that it reads in between. */
async function upgrade(dataDir: string, wallMs: number) {
  const store = await MergedStore.open(dataDir, new VirtualClock(wallMs));
  const ends = { finalThrough: wallMs, newestEnd: wallMs };
  const sum: Record<PeriodName, object> = { ms10: {}, sec: {}, min: {} };
  for (const name of periodNames) sum[name] = await countsIn(store.view([], ends), name);
  const nodes: Record<string, object> = {};
  for (const node of store.record?.nodes ?? [])
    nodes[node.name] = await countsIn(store.viewOfNode(node, [], ends), 'sec');
  await store.close();
  return { ...sum, nodes };
}

async function countsIn(view: CountsView, name: PeriodName) {
  const { windowMs } = periods[name];
  const counts: Record<string, number> = {};
  try {
    for await (const { start, windows } of readChunks(view, periods[name], {
      from: 0,
      to: view.newestEnd,
    }))
      for (const [index, count] of windows.counts.entries())
        counts[start + index * windowMs] = count;
  } finally {
    await view.store.close();
  }
  return above0(counts);
}

it('may be killed at any step of its upgrade', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'reto3-merger-upgrade-'));
  try {
    const { dataDir, answers } = unpackReleased(releasedMerger, parent);
    const { ms10, sec, min, nodes = {} } = answers;
    const wallMs = Math.max(...Object.keys(min).map(Number)) + 10 * periods.min.windowMs;
    const copies: string[] = [];
    const copy = (): void => {
      const to = join(parent, `killed before step ${copies.length + 1}`);
      cpSync(dataDir, to, { recursive: true });
      copies.push(to);
    };
    const whole = await atEachStep(copy, () => upgrade(dataDir, wallMs));
    copy();
    expect(whole).toEqual({ ms10, sec, min, nodes });
    // At least the file TABLES and the anchor, at the opening and at the end.
    expect(copies.length).toBeGreaterThan(8);
    for (const killed of copies)
      await expect(upgrade(killed, wallMs), killed).resolves.toEqual(whole);
  } finally {
    await rm(parent, { recursive: true });
  }
});
