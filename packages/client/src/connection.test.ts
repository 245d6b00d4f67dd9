import { Reto3Error } from '@reto3/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoffMs, Connection } from './connection.ts';

/** The pauses so far, ms; they take no time here. */
const pauses = vi.hoisted((): number[] => []);
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => void pauses.push(ms),
}));

describe('the pause before a reconnect', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([
    [0, 500],
    [1, 1_000],
    [4, 8_000],
    [1_000, 8_000],
  ])('after %i failures is at most %i ms, and at least half of that', (failures, most) => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    expect(backoffMs(failures)).toBe(most / 2);
    random.mockReturnValue(1);
    expect(backoffMs(failures)).toBe(most);
  });

  it('differs between clients that lost the same server', () => {
    const pauses = new Set(Array.from({ length: 100 }, () => backoffMs(3)));
    expect(pauses.size).toBeGreaterThan(50);
  });
});

describe('a connection', () => {
  const away = new Reto3Error('RETO3_SERVER_NOT_REACHABLE', 'away');
  afterEach(() => vi.restoreAllMocks());

  it('gives up if the first attempt fails, and after an error that will not pass', () => {
    const connection = new Connection();
    expect(() => connection.failed(away)).toThrow(away);
    connection.connected();
    connection.failed(away);
    const refused = new Reto3Error('RETO3_UNAUTHORIZED', 'no token');
    for (const error of [refused, new TypeError('x is not a function')])
      expect(() => connection.failed(error)).toThrow(error);
  });

  it('polls regularly while attempts succeed, and less and less often while they fail', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const connection = new Connection();
    connection.connected();
    await connection.pause(100);
    for (let failures = 0; failures < 3; failures++) {
      connection.failed(away);
      await connection.pause(100);
    }
    connection.connected();
    await connection.pause(100);
    expect(pauses).toEqual([100, 1_000, 2_000, 4_000, 100]);
  });
});
