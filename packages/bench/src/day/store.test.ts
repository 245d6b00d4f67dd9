import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeriodName, periodNames } from '@reto3/core';
import { openDatabase, Store } from '@reto3/engine';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fillStore, repeatBefore } from './store.ts';

const dayMs = 86_400_000;
const from = Date.UTC(2016, 4, 28);
const day = { from, to: from + 3 * 60_000 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-bench-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** The starts of the blocks of each period, in order of time, epoch ms. */
async function starts(): Promise<Record<PeriodName, number[]>> {
  const found: Record<PeriodName, number[]> = { ms10: [], sec: [], min: [] };
  const store = await Store.open(() => openDatabase(folder));
  const snapshot = store.snapshot();
  for (const name of periodNames)
    for await (const start of snapshot.starts(name, { from: 0, to: day.to }))
      found[name].push(start);
  await snapshot.close();
  await store.close();
  return found;
}

it('repeats a day before itself, each period as often as wanted', async () => {
  await fillStore(folder, day, () => 1);
  const before = await starts();
  expect(before.ms10.length).toBeGreaterThan(1);
  const days = { ms10: 2, sec: 1, min: 250 };
  await repeatBefore(folder, day, days);
  const repeated = (name: PeriodName) =>
    Array.from({ length: days[name] }, (_, index) => days[name] - 1 - index).flatMap((ago) =>
      before[name].map((start) => start - ago * dayMs),
    );
  expect(await starts()).toEqual({
    ms10: repeated('ms10'),
    sec: repeated('sec'),
    min: repeated('min'),
  });
});
