import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectionsIn, SilentConnections } from './silent-connections.ts';

function setUp(reported?: number) {
  const world = { reported, messages: 0, open: new Set<string>(), warnings: [] as unknown[] };
  const silent = new SilentConnections({
    reported: () => world.reported,
    messages: () => world.messages,
    open: () => Promise.resolve(new Set(world.open)),
    http: 'uws',
    log: { warn: (...words: unknown[]) => world.warnings.push(words) },
  });
  return { world, silent };
}

describe('SilentConnections', () => {
  it('counts what appeared and vanished while no message came, and warns once', async () => {
    const { world, silent } = setUp();
    world.open = new Set(['a', 'b']);
    await silent.check();
    expect([silent.count, world.warnings.length]).toEqual([0, 0]);
    world.open = new Set(['b', 'c']);
    await silent.check();
    expect([silent.count, world.warnings.length]).toEqual([1, 1]);
    world.open = new Set();
    await silent.check();
    await silent.check();
    expect([silent.count, world.warnings.length]).toEqual([3, 1]);
  });

  it('ignores connections that may have brought a message', async () => {
    const { world, silent } = setUp();
    world.open = new Set(['a']);
    await silent.check();
    world.messages = 1;
    world.open = new Set(['b']);
    await silent.check();
    // Was open, or opened, while messages arrived.
    await silent.check();
    world.open = new Set();
    await silent.check();
    expect(silent.count).toBe(0);
    world.open = new Set(['c']);
    await silent.check();
    world.open = new Set();
    await silent.check();
    expect(silent.count).toBe(1);
  });

  it('believes the build that tells', async () => {
    const { world, silent } = setUp(0);
    world.open = new Set(['a']);
    await silent.check();
    world.open = new Set();
    await silent.check();
    expect(silent.count).toBe(0);
    world.reported = 7;
    await silent.check();
    expect([silent.count, world.warnings.length]).toEqual([7, 1]);
  });

  it('stops checking when it is stopped, even during a check', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let answer = (_: ReadonlySet<string>): void => undefined;
    const promise = new Promise<ReadonlySet<string>>((resolve) => {
      answer = resolve;
    });
    const silent = new SilentConnections({
      reported: () => undefined,
      messages: () => 0,
      open: () => promise,
      http: 'uws',
      log: { warn: () => undefined },
    });
    silent.begin();
    await vi.advanceTimersByTimeAsync(1_000);
    silent.stop();
    answer(new Set());
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('connectionsIn', () => {
  it('finds open connections to the port, and no others', () => {
    const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0
   3: 0100007F:1F90 0100007F:C351 06 00000000:00000000 00:00000000 00000000     0
   4: 0100007F:1F90 0100007F:C352 08 00000000:00000000 00:00000000 00000000     0
`;
    expect(connectionsIn(table, 8_080)).toEqual(['0100007F:C350', '0100007F:C352']);
    expect(connectionsIn(table, 80)).toEqual([]);
  });
});
