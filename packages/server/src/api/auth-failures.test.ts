import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthFailures } from './auth-failures.ts';

describe('AuthFailures', () => {
  let logged: unknown[][];
  let wrong: AuthFailures;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
    logged = [];
    const note = (...said: unknown[]): void => void logged.push(said);
    wrong = new AuthFailures({ debug: note, info: note, warn: note, error: note, fatal: note });
  });
  afterEach(() => void vi.useRealTimers());

  /** How long a token from that network is delayed, ms. */
  async function delayOf(network: string): Promise<number> {
    const begun = performance.now();
    let ended: number | undefined;
    void wrong.delay(network).then(() => (ended = performance.now()));
    await vi.advanceTimersByTimeAsync(2_000);
    return (ended ?? Number.NaN) - begun;
  }

  it('delays every token from a network with five failures, until a minute after the last', async () => {
    for (let time = 0; time < 4; time++) wrong.record('192.0.2.1');
    expect(await delayOf('192.0.2.1')).toBe(0);
    wrong.record('192.0.2.1');
    expect(await delayOf('192.0.2.1')).toBe(1_000);
    expect(await delayOf('192.0.2.2')).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await delayOf('192.0.2.1')).toBe(0);
    wrong.record('192.0.2.1');
    expect(await delayOf('192.0.2.1')).toBe(0);
  });

  it('logs the first failure at once, and all others of a minute in one line', async () => {
    for (let time = 0; time < 300; time++) wrong.record(`192.0.2.${time % 3}`);
    expect(logged).toEqual([
      [{ network: '192.0.2.0' }, 'a request to the query API had a wrong token'],
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(logged[1]).toEqual([
      { requests: 299, networks: ['192.0.2.1', '192.0.2.2', '192.0.2.0'] },
      '299 more requests to the query API had a wrong token, from 3 networks',
    ]);
    wrong.record('192.0.2.9');
    expect(logged).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(logged).toHaveLength(3);
  });

  it('counts at most a thousand networks for the log', async () => {
    for (let network = 0; network < 5_001; network++) wrong.record(`network ${network}`);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(logged[1]?.[1]).toBe(
      '5000 more requests to the query API had a wrong token, from 1000 networks or more',
    );
  });

  it('remembers the latest thousand networks', async () => {
    for (let time = 0; time < 5; time++) wrong.record('first');
    for (let network = 0; network < 1_000; network++) wrong.record(`192.0.2.${network}`);
    expect(await delayOf('first')).toBe(0);
  });
});
