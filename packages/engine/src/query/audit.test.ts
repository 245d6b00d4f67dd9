import { alignDown, min, type PeriodName, sec } from '@reto3/core';
import { MemoryLevel } from 'memory-level';
import { beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../store/store.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';
import { type Audit, audit } from './audit.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const dayMs = 86_400_000;

describe('an audit', () => {
  let server: VirtualServer;
  let store: Store;

  beforeEach(async () => {
    const database = new MemoryLevel<string, string>();
    store = await Store.open(async () => database);
    server = await VirtualServer.on(store, startMs);
    await server.count(200);
  });

  async function run(range: { from?: string; to?: string } = {}): Promise<Audit> {
    const { coordinator, clock } = server;
    const view = coordinator.view();
    try {
      return await audit(view, coordinator.state(), range, clock.wallMs);
    } finally {
      await view.store.close();
    }
  }

  function reasons({ places }: Audit): string[] {
    return places.map(({ period, reason }) => `${period}: ${reason}`);
  }

  it('holds where nothing is wrong, over store and memory', async () => {
    const sum = 200 * perSecond;
    expect(await run()).toMatchObject({
      ok: true,
      from: 0,
      to: startMs + 4 * min.windowMs,
      messages: { ms10: sum, sec: sum, min: sum },
      places: [],
      gone: [],
      checks: [
        { name: 'blocks', ok: true },
        {
          name: 'periods',
          ok: true,
          says: '4 minutes compared: ms10, sec and min add up to the same',
        },
        {
          name: 'counted',
          ok: true,
          says: `0 found at the start + ${sum} since = ${sum}; the store and memory hold ${sum}`,
        },
      ],
    });
  });

  it('is of the whole minutes of the requested range', async () => {
    const range = { from: String(startMs + 61_000), to: String(startMs + 119_000) };
    const sum = 60 * perSecond;
    expect(await run(range)).toMatchObject({
      ok: true,
      from: startMs + 60_000,
      to: startMs + 120_000,
      messages: { ms10: sum, sec: sum, min: sum },
    });
  });

  it('holds after retention has deleted the periods up to different times', async () => {
    await server.coordinator.deleteBefore('ms10', startMs + 2 * min.windowMs);
    expect(await run()).toMatchObject({ ok: true, messages: { ms10: 80 * perSecond } });
    server.clock.pass(2 * dayMs);
    await server.coordinator.stop();
    await server.start();
    await server.count(1);
    for (const period of ['ms10', 'sec', 'min'] as const)
      await server.coordinator.deleteBefore(period, alignDown(server.clock.wallMs, dayMs));
    const report = await run();
    expect(report).toMatchObject({ ok: true, messages: { min: perSecond } });
    expect(server.coordinator.state().messagesInAll).toBe(perSecond);
  });

  it.each(['ms10', 'sec', 'min'] as const)('finds a missing %s block', async (period) => {
    // While a minute is in memory, its block is not read.
    await restart();
    await store.write([{ delete: period, start: blockStart(period) }], { sync: false });
    const report = await run();
    expect(report.ok).toBe(false);
    expect(reasons(report).join()).toContain(`${period}: its block is missing`);
  });

  it('finds a block with other counts', async () => {
    await restart();
    const start = blockStart('sec');
    const windows = store.readBlock('sec', start);
    if (windows === undefined) throw new Error('no block');
    windows.counts[660] = 1;
    await store.write([{ put: 'sec', start, windows }], { sync: false });
    const report = await run();
    expect(report.ok).toBe(false);
    expect(reasons(report).join()).toMatch(/sec: its minute .* adds up to 414, want 420/);
  });

  async function restart(): Promise<void> {
    server.clock.pass(10 * min.windowMs);
    await server.coordinator.flush();
    await server.start();
  }

  function blockStart(period: PeriodName): number {
    if (period === 'ms10') return startMs;
    return alignDown(startMs, period === 'sec' ? sec.blockMs : min.blockMs);
  }
});
