/** A merger's folder with damaged rows, of which the rest stays. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { min, ms10, type Period, sec, totalOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import {
  anchorIn,
  type Change,
  DataFolder,
  formatVersion,
  HeldFolder,
  newMeta,
  openDatabase,
  Retention,
  readChunks,
  rowKey,
  Store,
} from '@reto3/engine';
import { VirtualServer } from '@reto3/engine/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MergeState } from './merge-state.ts';
import { MergedReports } from './merged-reports.ts';
import { MergedStore } from './merged-store.ts';
import type { PublishedWindow } from './report-message.ts';
import { Saver } from './saver.ts';
import { secondOf } from './testing/open-stream.ts';
import { silentLog } from './testing/silent-log.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const now = { wallMs: startMs + 60_000, monotonicMs: 0 };
const marks = { ms10: 0, sec: 0, min: 0 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-merged-store-'));
});

afterEach(() => rm(folder, { recursive: true }));

function windowOf(report: string): PublishedWindow {
  const rest = { bytes: Uint8Array.of(1), tooLarge: 0, partial: false };
  return { report, period: 'ms10', start: startMs, ...rest };
}

async function fill(finalThrough = 0): Promise<void> {
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  const state = new MergeState({ silentAfterMs: 1_000, stored: store });
  const reports = new MergedReports(store, []);
  const said = { boot: 1, revision: 1, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  for (const [index, node] of ['a', 'b'].entries()) {
    const seconds = [{ start: startMs, packed: secondOf(index + 1) }];
    state.apply(node, { ...said, seconds }, now);
    const head = { boot: 1, revision: 1, lineage: 1, voids: 0, marks, reports: [] };
    reports.apply(node, { ...head, windows: [windowOf('paths')] });
  }
  const position = { stream: 'monday', position: 1, positionTime: 0, finalThrough };
  const known = { nodes: state.nodes(), reports: reports.nodes() };
  await store.save(state.minutes(), reports, { ...position, ...known });
  await store.close();
}

/** All stored counts, read in windows of a period. */
async function totalIn(store: MergedStore, period: Period): Promise<number> {
  const view = store.view([], { finalThrough: 0, newestEnd: now.wallMs + 120_000 });
  const range = { from: startMs - 86_400_000, to: startMs + 86_400_000 };
  let sum = 0;
  for await (const { windows } of readChunks(view, period, range)) sum += totalOf(windows);
  await view.store.close();
  return sum;
}

/** Overwrites a row of the closed folder. */
async function damage(change: Change): Promise<void> {
  const store = await new HeldFolder(join(folder, 'cluster'), 'merger').openStore();
  await store.write([change], { sync: true });
  await store.close();
}

/** Overwrites the first row of the closed folder whose key begins like that. */
async function damageFirst(prefix: string): Promise<void> {
  const database = await openDatabase(join(folder, 'cluster'));
  const keyEncoding = 'view';
  const range = { gte: Buffer.from(prefix), limit: 1, keyEncoding } as const;
  for (const key of await database.keys<Uint8Array>(range).all())
    await database.put<Uint8Array, string>(key, 'damaged', { keyEncoding });
  await database.close();
}

it('leaves out a damaged part of a minute, reports it, and keeps the rest', async () => {
  await fill();
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  await damage({ part: 'a', start: startMs, bytes });
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  const told: string[] = [];
  store.onDamage((node, start) => told.push(`${node} ${start}`));
  const nodes = store.record?.nodes ?? [];
  expect(nodes.map(({ name }) => name)).toEqual(['a', 'b']);
  const state = new MergeState({ silentAfterMs: 1_000, stored: store, nodes });
  // The node sends it again.
  const said = { boot: 1, revision: 1, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  const half = [{ start: startMs + 1_000, packed: secondOf(10) }];
  state.apply('a', { ...said, seconds: half }, now);
  expect(told).toEqual([`a ${startMs}`]);
  const totals = () => state.minutes().map((minute) => minute.min.counts[0]);
  expect(totals()).toEqual([200 + 1_000]);
  state.apply('a', { ...said, seconds: [{ start: startMs, packed: secondOf(1) }] }, now);
  expect(totals()).toEqual([100 + 200 + 1_000]);
  const reports = new MergedReports(store, []);
  const position = { stream: 'monday', position: 1, positionTime: 0, finalThrough: 0 };
  await store.save(state.minutes(), reports, { ...position, nodes: state.nodes(), reports: [] });
  const view = store.view([], { finalThrough: 0, newestEnd: now.wallMs });
  let sum = 0;
  for await (const { windows } of readChunks(view, ms10, { from: startMs, to: now.wallMs }))
    sum += totalOf(windows);
  await view.store.close();
  expect(sum).toBe(1_300);
  await store.close();
});

it('keeps all counts if the record of its nodes is damaged', async () => {
  await fill();
  await damage({ merge: 'damaged' });
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  expect(store).toMatchObject({ isDamaged: true, record: undefined });
  const state = new MergeState({ silentAfterMs: 1_000, stored: store });
  const said = { boot: 1, revision: 1, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  state.apply('a', { ...said, seconds: [{ start: startMs, packed: secondOf(1) }] }, now);
  expect(state.minutes().map((minute) => minute.min.counts[0])).toEqual([300]);
  await store.close();
});

it('keeps all counts if its list of what is deleted is damaged', async () => {
  await fill();
  await damageFirst('!meta!node');
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  expect(store.isDamaged).toBe(true);
  expect(store.record?.nodes.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(await totalIn(store, ms10)).toBe(300);
  await store.close();
});

it.each([ms10, sec, min])('adds up a damaged $name block again', async (period) => {
  await fill();
  const said = { boot: 1, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  const add = async (start: number, revision: number): Promise<MergedStore> => {
    const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
    const nodes = store.record?.nodes ?? [];
    const state = new MergeState({ silentAfterMs: 1_000, stored: store, nodes });
    state.apply('a', { ...said, revision, seconds: [{ start, packed: secondOf(10) }] }, now);
    const place = { stream: 'monday', position: 1, positionTime: 0, finalThrough: 0 };
    const known = { nodes: state.nodes(), reports: [] };
    await store.save(state.minutes(), new MergedReports(store, []), { ...place, ...known });
    return store;
  };
  await (await add(startMs + 60_000, 2)).close();
  await damageFirst(`!${period.name}!`);
  const store = await add(startMs + 1_000, 3);
  expect(await totalIn(store, period)).toBe(300 + 2 * 1_000);
  await store.close();
});

it('refuses a folder of a later version, and leaves it as it is', async () => {
  await fill();
  const meta = { ...newMeta('cluster'), formatVersion: formatVersion + 1 };
  await damage({ meta });
  const opening = MergedStore.open(folder, new VirtualClock(now.wallMs));
  await expect(opening).rejects.toMatchObject({ code: 'RETO3_DATA_VERSION' });
  const store = await new HeldFolder(join(folder, 'cluster'), 'merger').openStore();
  expect(store.readPart(startMs, 'a')).toBeDefined();
  await store.close();
});

it('deletes no more than a day at once if its clock is far ahead of its counts', async () => {
  await fill(now.wallMs);
  const dayMs = 86_400_000;
  const clock = new VirtualClock(now.wallMs + 365 * dayMs);
  const store = await MergedStore.open(folder, clock);
  const retain = { ms10: 30 * dayMs, sec: 60 * dayMs, min: Number.POSITIVE_INFINITY };
  const ignored = (): void => undefined;
  const retention = new Retention(store, clock, retain, { deleted: ignored, failed: ignored });
  clock.pass(10_000);
  await retention.beat();
  expect(store.deletedBefore.ms10).toBe(startMs + dayMs);
  await store.close();
});

it('numbers each batch, even if it deletes during a save', async () => {
  const clock = new VirtualClock(now.wallMs);
  const store = await MergedStore.open(folder, clock);
  const state = new MergeState({ silentAfterMs: 1_000, stored: store });
  const place = () => ({ stream: 'monday', position: 1, positionTime: 0 });
  const reports = new MergedReports(store, []);
  const saver = new Saver({ store, clock, log: silentLog, state, reports, place });
  const anchor = anchorIn(join(folder, 'cluster'));
  const before = (await anchor.read()) ?? 0;
  await Promise.all([saver.saveAll(), store.deleteBefore('ms10', startMs)]);
  expect(await anchor.read()).toBe(before + 2);
  await store.close();
});

it('empties a damaged row of a report, and keeps the counts and the other rows', async () => {
  await fill();
  const key = Buffer.concat([rowKey('paths', 'ms10', startMs), Buffer.from('a')]);
  await damage({ report: key, bytes: Uint8Array.of(9, 9, 9) });
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  const told: string[] = [];
  store.onDamage((node, start, what) => told.push(`${node} ${start} ${what}`));
  const reports = new MergedReports(store, store.record?.reports ?? []);
  const head = { boot: 1, revision: 2, lineage: 1, voids: 0, marks, reports: [] };
  for (const node of ['a', 'b']) reports.apply(node, { ...head, windows: [windowOf('paths')] });
  expect(told).toEqual([`a ${startMs} its row of the report paths`]);
  expect(reports.inMemory('paths', 'ms10').map(({ node }) => node)).toEqual(['a', 'b']);
  const sums = store.view([], { finalThrough: 0, newestEnd: now.wallMs });
  let sum = 0;
  for await (const { windows } of readChunks(sums, ms10, { from: startMs, to: now.wallMs }))
    sum += totalOf(windows);
  await sums.store.close();
  expect(sum).toBe(300);
  await store.close();
});

it('drops parts that are saved, even if others are not', async () => {
  await fill();
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  const nodes = store.record?.nodes ?? [];
  const state = new MergeState({ silentAfterMs: 1_000, stored: store, nodes });
  const said = { boot: 1, revision: 2, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  const say = (node: string, count: number, revision: number): void => {
    const seconds = [{ start: startMs, packed: secondOf(count) }];
    state.apply(node, { ...said, revision, seconds }, now);
  };
  say('a', 5, 2);
  const reports = new MergedReports(store, []);
  const position = { stream: 'monday', position: 1, positionTime: 0, finalThrough: 0 };
  await store.save(state.minutes(), reports, { ...position, nodes, reports: [] });
  say('b', 7, 2);
  state.forgetSaved(Infinity);
  const read = vi.spyOn(store, 'part');
  say('a', 6, 3);
  expect(read.mock.calls).toEqual([[startMs, 'a']]);
  expect(state.minutes().map((minute) => minute.min.counts[0])).toEqual([1_300]);
  await store.close();
});

it('opens its files again after a failed save, and saves what that could not write', async () => {
  await fill();
  const store = await MergedStore.open(folder, new VirtualClock(now.wallMs));
  const nodes = store.record?.nodes ?? [];
  const state = new MergeState({ silentAfterMs: 1_000, stored: store, nodes });
  const said = { boot: 1, revision: 2, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
  state.apply('a', { ...said, seconds: [{ start: startMs, packed: secondOf(5) }] }, now);
  const reports = new MergedReports(store, []);
  const head = { boot: 1, revision: 2, lineage: 1, voids: 0, marks, reports: [] };
  reports.apply('a', { ...head, windows: [windowOf('paths')] });
  const save = async (): Promise<void> => {
    await store.prepare();
    const place = { stream: 'monday', position: 1, positionTime: 0, finalThrough: 0 };
    await store.save(state.minutes(), reports, { ...place, nodes, reports: [] });
  };
  const reopen = vi.spyOn(Store.prototype, 'reopen');
  const write = vi.spyOn(Store.prototype, 'write').mockRejectedValueOnce(new Error('ENOSPC'));
  const unsaved = () => [state.minutes()[0]?.unsavedParts, reports.unsavedRows];
  await expect(save()).rejects.toThrow('ENOSPC');
  expect(unsaved()).toEqual([1, 1]);
  expect(reopen).not.toHaveBeenCalled();
  await save();
  expect(unsaved()).toEqual([0, 0]);
  expect(reopen).toHaveBeenCalledTimes(1);
  write.mockRestore();
  reopen.mockRestore();
  await store.close();
});

it("refuses a server's folder in its place, and deletes none of its counts", async () => {
  const path = join(folder, 'cluster');
  const server = await VirtualServer.in(path, startMs);
  await server.count(70);
  await server.stop();
  await expect(MergedStore.open(folder, new VirtualClock(now.wallMs))).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: expect.stringContaining("got a server's data folder, want a merger's"),
  });
  await DataFolder.with(path, async ({ recovered }) => expect(recovered.messages).toBe(490));
});

it('says what to do about files that cannot be opened', async () => {
  await fill();
  await rm(join(folder, 'cluster', 'CURRENT'));
  await expect(MergedStore.open(folder, new VirtualClock(now.wallMs))).rejects.toMatchObject({
    code: 'RETO3_DATA_CORRUPT',
    hint: expect.stringMatching(/^move it away .*: the merger fills a new one from the nodes$/),
  });
});
