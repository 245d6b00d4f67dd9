import type { PeriodName } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { type Expiring, type Retain, Retention } from './retention.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const nowMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const retain: Retain = { ms10: 2 * dayMs, sec: 10 * dayMs, min: Number.POSITIVE_INFINITY };

class Server implements Expiring {
  readonly clock = new VirtualClock(nowMs);
  readonly before = { ms10: 0, sec: 0, min: 0 };
  readonly deleted: (readonly [PeriodName, number])[] = [];
  fails = false;
  readonly oldest: number;
  readonly endBefore: number;
  readonly retention: Retention;

  constructor(options: { oldest?: number; endBefore?: number; retain?: Retain } = {}) {
    this.oldest = options.oldest ?? nowMs - 100 * dayMs;
    this.endBefore = options.endBefore ?? nowMs;
    this.retention = new Retention(this, this.clock, options.retain ?? retain, {
      deleted: () => undefined,
      failed: () => this.deleted.push(['ms10', Number.NaN]),
    });
  }

  async expired(period: PeriodName) {
    const before = this.before[period];
    return { before, oldest: Math.max(before, this.oldest) };
  }

  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    if (this.fails) throw new Error('no space left');
    this.before[period] = beforeMs;
    this.deleted.push([period, beforeMs]);
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10 * secondMs) {
      this.clock.pass(10 * secondMs);
      await this.retention.beat();
    }
  }
}

const dayOf = (timeMs: number): number => Math.floor(timeMs / dayMs) * dayMs;
const hourOf = (timeMs: number): number => Math.floor(timeMs / hourMs) * hourMs;
const minuteOf = (timeMs: number): number => Math.floor(timeMs / 60_000) * 60_000;

describe('retention', () => {
  it('deletes whole blocks that are old enough, soon after the start', async () => {
    const server = new Server();
    await server.retention.beat();
    expect(server.deleted).toEqual([]);
    await server.pass(10 * secondMs);
    expect(server.deleted).toEqual([
      ['ms10', minuteOf(nowMs + 10 * secondMs - 2 * dayMs)],
      ['sec', hourOf(nowMs - 10 * dayMs)],
    ]);
  });

  it('runs every hour', async () => {
    const server = new Server();
    await server.pass(3 * hourMs);
    const ms10 = server.deleted.filter(([period]) => period === 'ms10').map(([, before]) => before);
    expect(ms10).toEqual([0, 1, 2].map((hour) => (ms10[0] ?? 0) + hour * hourMs));
  });

  it('never deletes a longer period further than a shorter one', async () => {
    const same = { ms10: 2 * dayMs, sec: 2 * dayMs, min: 2 * dayMs };
    const server = new Server({ retain: same });
    await server.pass(10 * secondMs);
    expect(server.before.min).toBe(dayOf(nowMs - 2 * dayMs));
    expect(server.before.sec).toBeLessThanOrEqual(server.before.ms10);
    expect(server.before.min).toBeLessThanOrEqual(server.before.sec);
  });

  it('deletes nothing if everything is kept for ever', async () => {
    const forever = Number.POSITIVE_INFINITY;
    const server = new Server({ retain: { ms10: forever, sec: forever, min: forever } });
    await server.pass(2 * hourMs);
    expect(server.deleted).toEqual([]);
  });

  it('waits an hour after a step of the clock', async () => {
    const server = new Server();
    server.clock.step(-secondMs);
    await server.pass(hourMs);
    expect(server.deleted).toEqual([]);
    await server.pass(20 * secondMs);
    expect(server.deleted.length).toBeGreaterThan(0);
  });

  it('deletes nothing if a clock jumps ahead and is corrected within the hour', async () => {
    const server = new Server();
    await server.pass(10 * secondMs);
    const before = { ...server.before };
    server.clock.step(365 * dayMs);
    await server.pass(50 * 60 * secondMs);
    server.clock.step(-365 * dayMs);
    await server.pass(3 * hourMs);
    expect(server.before.ms10 - before.ms10).toBeLessThanOrEqual(4 * hourMs);
  });

  it('deletes a day per hour, not everything, if a clock stays ahead', async () => {
    const server = new Server({ oldest: nowMs - 3 * dayMs });
    await server.pass(10 * secondMs);
    const { ms10 } = server.before;
    server.clock.step(365 * dayMs);
    await server.pass(hourMs + 20 * secondMs);
    expect(server.before.ms10).toBe(ms10 + dayMs);
    await server.pass(hourMs);
    expect(server.before.ms10).toBe(ms10 + 2 * dayMs);
  });

  it('deletes a day per hour if the clock is far ahead of the counts before the start', async () => {
    const server = new Server({ endBefore: nowMs - 40 * dayMs, oldest: nowMs - 60 * dayMs });
    await server.pass(10 * secondMs);
    expect(server.before.ms10).toBe(minuteOf(nowMs - 59 * dayMs));
    expect(server.before.sec).toBe(hourOf(nowMs - 59 * dayMs));
  });

  it('tries again after a failure', async () => {
    const server = new Server();
    server.fails = true;
    await server.pass(10 * secondMs);
    expect(server.deleted).toEqual([['ms10', Number.NaN]]);
    server.fails = false;
    await server.pass(hourMs);
    expect(server.before.ms10).toBeGreaterThan(0);
  });
});
