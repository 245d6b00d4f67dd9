import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonCounts, seriesOf, seriesStart } from '../testing/virtual-series.ts';
import { BucketDepth } from './token-bucket.ts';
import { whatIf } from './what-if.ts';

/** Quantiles are edges of bins that are 2^(1/16) apart. */
const binWidth = 2 ** (1 / 16);

describe('a queue of 1,000 requests a second', () => {
  const ask = (counts: ArrayLike<number | undefined>) =>
    whatIf(seriesOf(counts), { capacity: '1000' });

  it('never fills where no window holds more than ten', async () => {
    const found = await ask(new Float64Array(600).fill(10));
    expect(found).toMatchObject({
      utilization: 1,
      backlog: { max: 0, longestMs: 0 },
      wait: { mean: 0, p50: 0, p99: 0, max: 0 },
      delayed: 0,
    });
  });

  it('works off a single spike: of 510 messages 500 are left, and served half a second later', async () => {
    const counts = new Float64Array(600);
    counts[100] = 510;
    const { backlog, wait, delayed } = await ask(counts);
    expect(backlog).toEqual({ max: 500, at: seriesStart + 1_010, longestMs: 510 });
    expect(wait.max).toBe(500);
    expect(wait.mean).toBeCloseTo(250, 9);
    expect(delayed).toBe(1);
    // Waits rise evenly from 0 to 500 ms.
    for (const [quantile, exact] of [
      [wait.p50, 250],
      [wait.p99, 495],
    ] as const) {
      expect(quantile).toBeGreaterThanOrEqual(exact);
      expect(quantile).toBeLessThanOrEqual(exact * binWidth);
    }
  });

  it('falls behind while traffic is on and catches up while it is off', async () => {
    // 200 ms at 30 in 10 ms leave 400 behind, which 400 ms work off, of 800 ms that are off.
    const counts = Float64Array.from({ length: 10_000 }, (_, window) =>
      window % 100 < 20 ? 30 : 0,
    );
    const { backlog, wait, delayed, utilization } = await ask(counts);
    expect(utilization).toBe(0.6);
    expect(backlog).toMatchObject({ max: 400, longestMs: 600 });
    expect(wait.mean).toBeCloseTo(200, 9);
    expect(wait.max).toBe(400);
    expect(wait.p99 / (0.99 * 400)).toBeLessThanOrEqual(binWidth);
    expect(delayed).toBeCloseTo(1, 12);
  });

  it('has Lindley’s backlog at the end of every window', async () => {
    const counts = poissonCounts(20_000, 9.5, 3);
    let backlog = 0;
    let most = 0;
    for (const count of counts) {
      backlog = Math.max(0, backlog + count - 10);
      most = Math.max(most, backlog);
    }
    expect((await ask(counts)).backlog.max).toBe(most);
  });

  it('goes on serving through a gap, in which nothing is known to come', async () => {
    const counts = [110, ...new Array<undefined>(9).fill(undefined), 110];
    const { backlog, uncounted } = await ask(counts);
    expect(backlog).toEqual({ max: 110, at: seriesStart + 110, longestMs: 220 });
    expect(uncounted).toBe(9);
  });

  it('counts only those as delayed who come before it is empty', async () => {
    // 15 leave 5; the next window brings 5, and half of its time is over when all are served.
    const { delayed, wait } = await ask([15, 5, 0]);
    // 5 + (10 − 5) · t − … empties after 10 ms · 5 / (10 − 5): exactly at its end.
    expect(delayed).toBe(1);
    expect(wait.max).toBe(5);
    expect((await ask([15, 0, 20, 0])).delayed).toBe(1);
    expect((await ask([11, 5, 5])).delayed).toBeCloseTo((11 + 5 * (1 / 5)) / 21, 12);
  });
});

describe('the smallest token bucket', () => {
  /** Of all stretches of windows, straight from the definition. */
  function naiveDepth(counts: readonly (number | undefined)[], rate: number): number {
    let depth = 1;
    for (let first = 0; first < counts.length; first++) {
      let messages = 0;
      for (let last = first; last < counts.length; last++) {
        messages += counts[last] ?? 0;
        depth = Math.max(depth, messages - (rate * Math.max(0, last - first - 1)) / 100);
      }
    }
    return Math.ceil(depth);
  }

  const countsOf = fc.array(fc.option(fc.nat(40), { nil: undefined, freq: 6 }), {
    minLength: 1,
    maxLength: 40,
  });

  function depthOf(counts: readonly (number | undefined)[], rate: number): number {
    const bucket = new BucketDepth(rate);
    for (const [index, count] of counts.entries())
      if (count !== undefined) bucket.add(index * 10, count);
    return bucket.depth;
  }

  it('is as deep as the worst stretch of windows wants', () => {
    fc.assert(
      fc.property(countsOf, fc.integer({ min: 1, max: 4_000 }), (counts, rate) => {
        expect(depthOf(counts, rate)).toBe(naiveDepth(counts, rate));
      }),
    );
  });

  it('is no deeper for what adding up tenths of tokens would round', () => {
    const counts = [1, undefined, 8, 13, 11, 18, undefined, 14, undefined, 0, undefined, 1];
    expect(depthOf(counts, 10)).toBe(65);
  });

  /** Arrival times in ms, sorted: each message somewhere in its window. */
  const placed = countsOf.chain((counts) => {
    const windows = counts.flatMap((count, index) =>
      new Array<number>(count ?? 0).fill(index * 10),
    );
    return fc.record({
      counts: fc.constant(counts),
      times: fc
        .array(fc.double({ min: 0, max: 9.999, noNaN: true }), {
          minLength: windows.length,
          maxLength: windows.length,
        })
        .map((offsets) =>
          offsets.map((offset, index) => (windows[index] ?? 0) + offset).sort((a, b) => a - b),
        ),
    });
  });

  it('lets everything pass, wherever in their windows the messages come', () => {
    fc.assert(
      fc.property(placed, fc.integer({ min: 1, max: 4_000 }), ({ counts, times }, rate) => {
        const depth = depthOf(counts, rate);
        let [tokens, last] = [depth, 0];
        for (const time of times) {
          tokens = Math.min(depth, tokens + ((time - last) * rate) / 1_000) - 1;
          last = time;
          expect(tokens).toBeGreaterThan(-1e-9);
        }
      }),
    );
  });

  it('as nginx limits requests, lets everything pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          fc.pre(times.length > 0);
          const { limits } = await whatIf(seriesOf(counts), { capacity: String(rate) });
          const burst = Number(/burst=(\d+)/.exec(limits.nginx.join())?.[1]);
          // ngx_http_limit_req_lookup: thousandths of requests, a clock in whole milliseconds.
          let excess: number | undefined;
          let last = 0;
          for (const time of times) {
            const now = Math.floor(time);
            excess = excess === undefined ? 0 : Math.max(0, excess - rate * (now - last) + 1_000);
            last = now;
            expect(excess).toBeLessThanOrEqual(burst * 1_000);
          }
        },
      ),
    );
  });

  it('as haproxy measures rates, lets everything pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          const { limits } = await whatIf(seriesOf([0, ...counts]), { capacity: String(rate) });
          const limit = Number(/ gt (\d+) /.exec(limits.haproxy.join())?.[1]);
          // read_freq_ctr: this second, and the last by the part of it that is left. Its seconds may
          // begin anywhere.
          for (const phase of [0, 100, 333, 900]) {
            const second = (time: number): number => Math.floor((Math.floor(time) + phase) / 1_000);
            const inSecond = new Map<number, number>();
            for (const time of times) {
              const now = second(time);
              inSecond.set(now, (inSecond.get(now) ?? 0) + 1);
              const left = 1 - (((Math.floor(time) + phase) / 1_000) % 1);
              const rateNow = (inSecond.get(now) ?? 0) + (inSecond.get(now - 1) ?? 0) * left;
              expect(rateNow).toBeLessThanOrEqual(limit + 1e-9);
            }
          }
        },
      ),
    );
  });

  function numberAfter(name: string, lines: readonly string[]): number {
    return Number(new RegExp(`${name}: ([\\d.]+)`).exec(lines.join('\n'))?.[1]);
  }

  it('as Envoy fills its bucket, by a timer or evenly, lets everything pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async ({ counts, times }, rate, phase) => {
          const { limits } = await whatIf(seriesOf([0, ...counts]), { capacity: String(rate) });
          for (const lines of [limits.envoy, limits.istio]) {
            const most = numberAfter('max_tokens', lines);
            const fill = numberAfter('tokens_per_fill', lines);
            const fillMs = numberAfter('fill_interval', lines) * 1_000;
            // LocalRateLimiterImpl refuses to start below this.
            expect(fillMs).toBeGreaterThanOrEqual(50);
            expect((fill / fillMs) * 1_000).toBeGreaterThanOrEqual(rate);
            expect((fill / fillMs) * 1_000).toBeLessThanOrEqual(rate * 1.02);
            // onFillTimerHelper: so many tokens at each tick, up to the most; the first tick at any time.
            let [tokens, ticks] = [most, 0];
            // The continuous bucket of later versions.
            let [level, last] = [most, 0];
            for (const time of times) {
              for (; fillMs * (ticks + phase) <= time; ticks++)
                tokens = Math.min(most, tokens + fill);
              expect(tokens).toBeGreaterThanOrEqual(1);
              tokens--;
              level = Math.min(most, level + ((time - last) * fill) / fillMs);
              last = time;
              expect(level).toBeGreaterThan(1 - 1e-9);
              level--;
            }
          }
        },
      ),
    );
  });

  it('as Traefik reserves its tokens, lets everything pass without a delay', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          const { limits } = await whatIf(seriesOf([0, ...counts]), { capacity: String(rate) });
          const average = numberAfter('average', limits.traefik);
          const burst = numberAfter('burst', limits.traefik);
          // rate.Limiter of golang.org/x/time: full at first; it delays below zero tokens.
          let [tokens, last] = [burst, 0];
          for (const time of times) {
            tokens = Math.min(burst, tokens + ((time - last) / 1_000) * average) - 1;
            last = time;
            expect(tokens).toBeGreaterThan(-1e-9);
          }
        },
      ),
    );
  });

  it('is a curve: the slower it fills, the deeper it is', async () => {
    const counts = Array.from(poissonCounts(6_000, 50, 4));
    const { curve } = await whatIf(seriesOf(counts), { capacity: '6000' });
    expect(curve.length).toBeGreaterThan(5);
    for (const [index, { rate, burst }] of curve.entries()) {
      const next = curve[index + 1];
      if (next !== undefined) expect([rate < next.rate, burst >= next.burst]).toEqual([true, true]);
    }
    // At any rate two windows may come as one.
    const adjacent = counts.map((count, index) => count + (counts[index + 1] ?? 0));
    expect(curve.at(-1)?.burst).toBe(Math.max(...adjacent));
  });

  it('has the points that were asked for', async () => {
    const { curve } = await whatIf(seriesOf([10, 0]), { capacity: '100', rates: '50,200.5' });
    expect(curve).toEqual([
      { rate: 50, burst: 10 },
      { rate: 100, burst: 10 },
      { rate: 201, burst: 10 },
    ]);
  });
});

it.each([
  [{ capacity: '0' }, 'got capacity "0"'],
  [{ capacity: '-5' }, 'got capacity "-5"'],
  [{ capacity: '5', rates: '5,x' }, 'got rates "x"'],
])('refuses %j', async (asked, message) => {
  const failed = whatIf(seriesOf([1]), asked);
  await expect(failed).rejects.toMatchObject({ code: 'RETO3_BAD_REQUEST' });
  await expect(failed).rejects.toThrow(message);
});
