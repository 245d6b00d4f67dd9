/**
 * The first start on a folder of an earlier version, killed at every step: whatever a kill leaves
 * opens, with every count. A kill leaves what the kernel has, so the folder is copied before each
 * call that may change it, instead of killing a process again and again.
 */
import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeriodName, periodNames, periods } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readChunks } from '../query/chunks.ts';
import { allocate } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { formatVersion } from '../store/meta.ts';
import { allTime, type Store } from '../store/store.ts';
import { atEachStep } from '../testing/disk-steps.ts';
import {
  above0,
  type ReleasedCounts,
  releasedFolders,
  unpackReleased,
} from '../testing/released-folder.ts';
import { Coordinator } from './coordinator.ts';

vi.mock(import('node:fs'), async (original) =>
  (await import('../testing/disk-steps.ts')).steppedModule(await original()),
);
vi.mock(import('node:fs/promises'), async (original) =>
  (await import('../testing/disk-steps.ts')).steppedModule(await original()),
);
vi.mock(import('level'), async (original) =>
  (await import('../testing/disk-steps.ts')).steppedLevel(await original()),
);

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'reto3-upgrade-'));
});

afterEach(() => rm(parent, { recursive: true }));

async function start(store: Store, held: HeldFolder, wallMs: number): Promise<Coordinator> {
  return Coordinator.open({
    clock: new VirtualClock(wallMs),
    ring: new RingReader(allocate(1)),
    workerCount: 1,
    store,
    anchor: held.anchor,
    journals: held.journals,
    node: 'upgraded',
    events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
  });
}

/** Starts on the folder, and stops cleanly. Returns what it reads in between. */
async function upgrade(folder: string, wallMs: number): Promise<Found> {
  const held = new HeldFolder(folder);
  const store = await held.openStore();
  const coordinator = await start(store, held, wallMs);
  const before = await read(store, coordinator);
  await coordinator.prepare();
  expect(await read(store, coordinator)).toEqual(before);
  await coordinator.stop();
  expect((await store.readMeta())?.formatVersion).toBe(formatVersion);
  await store.close();
  return before;
}

interface Found {
  /** By start of window, epoch ms; of ms10 windows, those above 0. */
  readonly counts: Readonly<Record<PeriodName, ReleasedCounts>>;
  /** How many windows were counted. */
  readonly counted: Readonly<Record<PeriodName, number>>;
  /** All rows of reports, as text. */
  readonly reports: readonly string[];
}

async function read(store: Store, coordinator: Coordinator): Promise<Found> {
  const counts: Record<PeriodName, Record<string, number>> = { ms10: {}, sec: {}, min: {} };
  const counted = { ms10: 0, sec: 0, min: 0 };
  const view = coordinator.view();
  try {
    for (const period of Object.values(periods))
      for await (const { start, windows } of readChunks(view, period, allTime))
        for (const [index, count] of windows.counts.entries()) {
          if (windows.counted[index] === 0) continue;
          counted[period.name]++;
          if (count > 0 || period !== periods.ms10)
            counts[period.name][start + index * period.windowMs] = count;
        }
  } finally {
    await view.store.close();
  }
  return { counts, counted, reports: await reportsIn(store) };
}

async function reportsIn(store: Store): Promise<string[]> {
  const snapshot = store.snapshot();
  const rows: string[] = [];
  for await (const row of snapshot.reports({ gte: Buffer.from(' '), lt: Buffer.from([0xff]) }))
    rows.push(row.map((bytes) => Buffer.from(bytes).toString('hex')).join(' '));
  await snapshot.close();
  return rows;
}

it.each(releasedFolders())(
  'a folder of %s may be killed at any step of its upgrade',
  async (name) => {
    const { dataDir, answers } = unpackReleased(name, parent);
    const wallMs = Math.max(...Object.keys(answers.min).map(Number)) + 10 * periods.min.windowMs;
    const copies: string[] = [];
    const copy = (): void => {
      const to = join(parent, `killed before step ${copies.length + 1}`);
      cpSync(dataDir, to, { recursive: true });
      copies.push(to);
    };
    const whole = await atEachStep(copy, () => upgrade(dataDir, wallMs));
    copy();
    for (const name of periodNames) {
      expect(whole.counts[name]).toMatchObject(answers[name]);
      expect(above0(whole.counts[name])).toEqual(above0(answers[name]));
    }
    expect(whole.reports.length).toBeGreaterThan(0);
    // At least the database, a journal, the batch, and the anchor.
    expect(copies.length).toBeGreaterThan(20);
    for (const killed of copies)
      await expect(upgrade(killed, wallMs), killed).resolves.toEqual(whole);
  },
);
