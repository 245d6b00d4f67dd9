/** A block that vanishes or is damaged while the server runs is never replaced by a partial one. */
import { alignDown, type Damage, ms10, type PeriodName, periods, totalOf } from '@reto3/core';
import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import { audit } from '../query/audit.ts';
import { readChunks } from '../query/chunks.ts';
import { timeKey } from '../store/keys.ts';
import { allTime, Store } from '../store/store.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';

const startMs = Date.UTC(2016, 4, 28, 10, 10);
const perMinute = 60 * perSecond;

/** Long enough to close minutes and remove them from memory. */
const seconds = 360;

async function counted(): Promise<{ server: VirtualServer; database: MemoryLevel }> {
  const database = new MemoryLevel<string, string>();
  const server = await VirtualServer.on(await Store.open(async () => database), startMs);
  await server.count(seconds);
  return { server, database };
}

function blockOf(name: PeriodName): number {
  return alignDown(startMs, periods[name].blockMs);
}

async function flip(database: MemoryLevel, name: PeriodName, start: number): Promise<void> {
  const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const key = Buffer.concat([Buffer.from(`!${name}!`), timeKey.encode(start)]);
  const value = Buffer.from((await database.get<Buffer, Buffer>(key, raw)) ?? []);
  value[9] = (value[9] ?? 0) ^ 4;
  await database.put<Buffer, Buffer>(key, value, raw);
}

async function read(
  server: VirtualServer,
  name: PeriodName,
): Promise<{ total: number; damages: Damage[] }> {
  const view = server.coordinator.view();
  const damages: Damage[] = [];
  let total = 0;
  for await (const { windows } of readChunks(view, periods[name], allTime, (damage) =>
    damages.push(damage),
  ))
    total += totalOf(windows);
  await view.store.close();
  return { total, damages };
}

describe.each(['sec', 'min'] as const)('a %s block', (name) => {
  it('that vanished is not replaced but reported, and the other series have all counts', async () => {
    const { server } = await counted();
    const start = blockOf(name);
    await server.store.write([{ delete: name, start }], { sync: true });
    await server.count(seconds);

    expect(server.store.hasBlock(name, start)).toBe(false);
    const damaged = { series: name, from: start, reason: 'its block is missing' };
    expect(server.coordinator.state().damagedBlocks).toMatchObject([damaged]);
    expect((await read(server, name)).damages).toMatchObject([damaged]);
    expect(server.coordinator.state()).toMatchObject({ failedFlushes: 0, messagesUnsaved: 0 });
    for (let minute = startMs; minute < startMs + 10 * ms10.blockMs; minute += ms10.blockMs)
      expect(totalOf(server.store.readBlock('ms10', minute) ?? fail(minute))).toBe(perMinute);
  });

  it('that is damaged is left alone, and everything else continues', async () => {
    const { server, database } = await counted();
    const start = blockOf(name);
    await flip(database, name, start);
    await server.count(seconds);

    expect(() => server.store.readBlock(name, start)).toThrow(/checksum/);
    expect(server.coordinator.state()).toMatchObject({ failedFlushes: 0, messagesUnsaved: 0 });
    expect(server.coordinator.state().damagedBlocks).toMatchObject([{ series: name, from: start }]);
  });

  it('is left alone by the next start too, which recovers the open minute', async () => {
    const { server } = await counted();
    const start = blockOf(name);
    await server.store.write([{ delete: name, start }], { sync: true });
    await server.count(30);
    const { messagesUnsaved } = server.coordinator.state();
    expect(messagesUnsaved).toBe(0);
    await server.start();
    await server.count(seconds);
    expect(server.store.hasBlock(name, start)).toBe(false);
    const minute = alignDown(startMs + seconds * 1_000 + 10_000, ms10.blockMs);
    const block = server.store.readBlock('ms10', minute) ?? fail(minute);
    expect(totalOf(block)).toBe(perMinute);
  });
});

describe('a minute that gets a late message', () => {
  it.each(['sec', 'min'] as const)('is complete if its %s block vanished', async (name) => {
    const { server } = await counted();
    await server.store.write([{ delete: name, start: blockOf(name) }], { sync: true });
    server.clock.step(-(seconds - 60) * 1_000);
    await server.count(1);
    const view = server.coordinator.view();
    const minute = view.minutes.find(({ start }) => start === startMs + ms10.blockMs);
    expect(totalOf(minute?.[name] ?? fail(name))).toBe(perMinute + perSecond);
    await view.store.close();
  });

  it('has no ms10 windows if its ms10 block vanished, and keeps seconds and minute', async () => {
    const { server } = await counted();
    const start = startMs + ms10.blockMs;
    await server.store.write([{ delete: 'ms10', start }], { sync: true });
    server.clock.step(-(seconds - 60) * 1_000);
    await server.count(1);
    await server.count(seconds);
    expect(server.store.hasBlock('ms10', start)).toBe(false);
    const { total, damages } = await read(server, 'ms10');
    expect(damages).toMatchObject([{ series: 'ms10', from: start, to: start + ms10.blockMs }]);
    const all = server.coordinator.state().messagesInAll;
    expect((await read(server, 'sec')).total).toBe(all);
    expect((await read(server, 'min')).total).toBe(all);
    // The messages of the second before the clock stepped came into that minute too.
    expect(total).toBeLessThanOrEqual(all - perMinute);
  });

  it('stays in the journal if all of its blocks are damaged', async () => {
    const { server, database } = await counted();
    const start = startMs + ms10.blockMs;
    await flip(database, 'ms10', start);
    for (const name of ['sec', 'min'] as const) await flip(database, name, blockOf(name));
    server.clock.step(-(seconds - 60) * 1_000);
    await server.count(1);
    server.clock.step((seconds + 60) * 1_000);
    await server.count(2);
    expect(server.coordinator.state()).toMatchObject({ failedFlushes: 0, messagesUnsaved: 0 });
    const stored = server.coordinator.stored();
    const ofMinute = [];
    const range = { from: start, to: start + ms10.blockMs };
    for await (const row of stored.minutes(range, () => undefined)) ofMinute.push(row);
    await stored.close();
    expect(ofMinute.reduce((sum, { windows }) => sum + totalOf(windows), 0)).toBe(perSecond);
  });
});

it('a new day and a new hour get new blocks', async () => {
  const database = new MemoryLevel<string, string>();
  const store = await Store.open(async () => database);
  const server = await VirtualServer.on(store, Date.UTC(2016, 4, 28, 23, 57));
  await server.count(seconds);
  expect(server.coordinator.state().damagedBlocks).toEqual([]);
  const view = server.coordinator.view();
  const found = await audit(view, server.coordinator.state(), {}, server.clock.wallMs);
  expect(found.places).toEqual([]);
  expect(found.ok).toBe(true);
  await view.store.close();
});

function fail(what: unknown): never {
  throw new Error(`there is no ${String(what)}`);
}
