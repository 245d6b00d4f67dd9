/** What a save removes from stored minutes: the seconds that a new boot of a node voided. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { min, ms10, totalOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { readChunks } from '@reto3/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MergeState } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { MergedStore } from './merged-store.ts';
import type { NodeMessage } from './message.ts';
import { Saver } from './saver.ts';
import { secondOf } from './testing/open-stream.ts';
import { silentLog } from './testing/silent-log.ts';

const startMs = Date.UTC(2016, 4, 28, 11);
/** More than may be unsaved, and so old that no saved one stays in memory. */
const minutes = Array.from({ length: 100 }, (_, minute) => startMs + minute * min.windowMs);
const nowMs = startMs + 10 * 3_600_000;
const voidFrom = startMs + 10 * min.windowMs;

describe('a save after a new boot', () => {
  let folder: string;
  let clock: VirtualClock;
  let store: MergedStore;
  let state: MergeState;
  let saver: Saver;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-saver-'));
    clock = new VirtualClock(nowMs);
    store = await MergedStore.open(folder, clock);
    state = new MergeState({ silentAfterMs: 10_000, stored: store });
    const reports = new MergedReports(store, []);
    const place = () => ({ stream: 'monday', position: 1, positionTime: 0 });
    saver = new Saver({ store, clock, log: silentLog, state, reports, place });
    for (const start of minutes) {
      publish({ seconds: [{ start, packed: secondOf(1) }] });
      if (state.isFull) await saver.saveAll();
    }
    publish({ seconds: [{ start: nowMs - min.windowMs, packed: secondOf(1) }] });
    await saver.saveAll();
    // Nor is anything left to do of its first boot.
    readAll();
    await saver.saveAll();
    expect(await totals()).toEqual(minutes.map(() => 100));
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await store.close();
    await rm(folder, { recursive: true });
  });

  function publish(changes: Partial<NodeMessage>): void {
    const said = { boot: 1, revision: 1, vouchedFrom: startMs, mark: startMs, clock: nowMs };
    state.apply('a', { ...said, leaving: false, seconds: [], ...changes }, clock.read());
  }

  /** The merger has read everything from the node. */
  function readAll(): void {
    const node = state.node('a');
    if (node !== undefined) node.unread = undefined;
  }

  /** The stored messages of each minute. */
  async function totals(): Promise<number[]> {
    const view = store.view([], { finalThrough: 0, newestEnd: nowMs });
    const found = minutes.map(() => 0);
    const range = { from: startMs, to: startMs + minutes.length * min.windowMs };
    for await (const { start, windows } of readChunks(view, ms10, range)) {
      const at = Math.floor((start - startMs) / min.windowMs);
      found[at] = (found[at] ?? 0) + totalOf(windows);
    }
    await view.store.close();
    return found;
  }

  const left = minutes.map((start) => (start < voidFrom ? 100 : 0));

  it('removes what it voided once the rest is read, and looks at no earlier minute', async () => {
    const look = vi.spyOn(store, 'minutesFrom');
    publish({ boot: 2, vouchedFrom: voidFrom });
    await saver.saveAll();
    expect(look).not.toHaveBeenCalled();
    expect(await totals()).toEqual(minutes.map(() => 100));
    readAll();
    await saver.saveAll();
    expect(look.mock.calls).toEqual([[voidFrom]]);
    expect(await totals()).toEqual(left);
    await saver.saveAll();
    expect(look).toHaveBeenCalledTimes(1);
  });

  it('does not wait for a node that is silent', async () => {
    publish({ boot: 2, vouchedFrom: voidFrom });
    clock.pass(10_000);
    await saver.saveAll();
    expect(await totals()).toEqual(left);
  });

  it('writes as often as much as may be unsaved is changed', async () => {
    const save = vi.spyOn(store, 'save');
    publish({ boot: 2, vouchedFrom: voidFrom });
    readAll();
    await saver.saveAll();
    // 90 old minutes and the newest.
    expect(save.mock.calls.map(([changed]) => changed.length)).toEqual([64, 91 - 64]);
  });

  it('looks again if yet another boot voids more meanwhile', async () => {
    const minutesFrom = store.minutesFrom.bind(store);
    vi.spyOn(store, 'minutesFrom').mockImplementationOnce(async function* (from) {
      yield* minutesFrom(from);
      publish({ boot: 3, vouchedFrom: startMs });
      readAll();
    });
    publish({ boot: 2, vouchedFrom: voidFrom });
    readAll();
    await saver.saveAll();
    expect(await totals()).toEqual(left);
    await saver.saveAll();
    expect(await totals()).toEqual(minutes.map(() => 0));
  });
});
