import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poissonCounts, seriesOf, seriesStart } from '../testing/virtual-series.ts';
import { BucketDepth } from './token-bucket.ts';
import { whatIf } from './what-if.ts';

/** Quantiles are edges of bins, which are 2^(1/16) apart. */
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

  it('serves a spike of 510 messages: 10 in its window, 500 in the next half second', async () => {
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
    // 200 ms of 30 messages in 10 ms leave a backlog of 400, which takes 400 ms of the 800 ms off.
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

  it('goes on serving during a gap', async () => {
    const counts = [110, ...new Array<undefined>(9).fill(undefined), 110];
    const { backlog, uncounted } = await ask(counts);
    expect(backlog).toEqual({ max: 110, at: seriesStart + 110, longestMs: 220 });
    expect(uncounted).toBe(9);
  });

  it('counts only messages as delayed that come before it is empty', async () => {
    // 15 leave 5. The next window brings 5 while 10 are served, so it empties exactly at its end.
    const { delayed, wait } = await ask([15, 5, 0]);
    expect(delayed).toBe(1);
    expect(wait.max).toBe(5);
    expect((await ask([15, 0, 20, 0])).delayed).toBe(1);
    expect((await ask([11, 5, 5])).delayed).toBeCloseTo((11 + 5 * (1 / 5)) / 21, 12);
  });
});

describe('the smallest token bucket', () => {
  /** The depth by definition: the largest excess of any run of windows. */
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

  it('is as deep as the worst run of windows needs', () => {
    fc.assert(
      fc.property(countsOf, fc.integer({ min: 1, max: 4_000 }), (counts, rate) => {
        expect(depthOf(counts, rate)).toBe(naiveDepth(counts, rate));
      }),
    );
  });

  it('is not deeper by a rounding error', () => {
    const counts = [1, undefined, 8, 13, 11, 18, undefined, 14, undefined, 0, undefined, 1];
    expect(depthOf(counts, 10)).toBe(65);
  });

  /** Counts, and for each message a random time in its window, in ms, sorted. */
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

  it('passes everything, wherever in their windows the messages come', () => {
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

  it('passes everything as nginx limits requests', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          fc.pre(times.length > 0);
          const { limits } = await whatIf(seriesOf(counts), { capacity: String(rate) });
          const burst = Number(/burst=(\d+)/.exec(limits.nginx.join())?.[1]);
          // ngx_http_limit_req_lookup counts thousandths of requests, with a clock in whole ms.
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

  it('passes everything as haproxy measures rates', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          const { limits } = await whatIf(seriesOf([0, ...counts]), { capacity: String(rate) });
          const limit = Number(/ gt (\d+) /.exec(limits.haproxy.join())?.[1]);
          // read_freq_ctr adds a share of the last second to the current one, equal to the part of
          // the current one that is left. Its seconds may begin at any time.
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

  it('passes everything as Envoy fills its bucket, by a timer or evenly', async () => {
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
            // onFillTimerHelper adds the tokens of a fill at each tick; the first may be at any
            // time.
            let [tokens, ticks] = [most, 0];
            // Later versions fill continuously.
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

  it('passes everything without a delay as Traefik reserves tokens', async () => {
    await fc.assert(
      fc.asyncProperty(
        placed,
        fc.integer({ min: 1, max: 4_000 }),
        async ({ counts, times }, rate) => {
          const { limits } = await whatIf(seriesOf([0, ...counts]), { capacity: String(rate) });
          const average = numberAfter('average', limits.traefik);
          const burst = numberAfter('burst', limits.traefik);
          // rate.Limiter of golang.org/x/time is full at first and delays below zero tokens.
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

  it('is deeper the slower it fills', async () => {
    const counts = Array.from(poissonCounts(6_000, 50, 4));
    const { curve } = await whatIf(seriesOf(counts), { capacity: '6000' });
    expect(curve.length).toBeGreaterThan(5);
    for (const [index, { rate, burst }] of curve.entries()) {
      const next = curve[index + 1];
      if (next !== undefined) expect([rate < next.rate, burst >= next.burst]).toEqual([true, true]);
    }
    // At any rate, the messages of two adjacent windows may come at once.
    const adjacent = counts.map((count, index) => count + (counts[index + 1] ?? 0));
    expect(curve.at(-1)?.burst).toBe(Math.max(...adjacent));
  });

  it('has the requested rates, rounded up, and the capacity', async () => {
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
  [{ capacity: '5', rates: `5${',5'.repeat(20)}` }, 'got 21 rates, want at most 20'],
])('refuses %j', async (asked, message) => {
  const failed = whatIf(seriesOf([1]), asked);
  await expect(failed).rejects.toMatchObject({ code: 'RETO3_BAD_REQUEST' });
  await expect(failed).rejects.toThrow(message);
});
