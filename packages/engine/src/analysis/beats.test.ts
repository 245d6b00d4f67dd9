import { describe, expect, it } from 'vitest';
import { clockCounts, poissonCounts, seriesOf, seriesStart } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';

const second = 100;

/** A minute of noise, with 100 messages more in the 21st window of each second. */
function everySecond(): (number | undefined)[] {
  return [...poissonCounts(60 * second, 5, 1)].map((count, window) =>
    window % second === 20 ? count + 100 : count,
  );
}

async function beatsOf(counts: ArrayLike<number | undefined>) {
  return (await findBursts(seriesOf(counts), {})).beats;
}

describe('a beat every second', () => {
  it('has the period and the time of its window', async () => {
    const [beat, ...others] = await beatsOf(everySecond());
    expect(others).toEqual([]);
    expect(beat?.periodMs).toBeCloseTo(1_000, 0);
    expect(beat?.at).toBe(seriesStart + 59_200);
    expect(beat?.confidence).toBeGreaterThan(0.999_999);
  });

  it('is found across a gap', async () => {
    const counts = everySecond().map((count, window) =>
      window > 1_000 && window < 3_000 ? undefined : count,
    );
    expect((await beatsOf(counts))[0]?.periodMs).toBeCloseTo(1_000, 0);
  });

  it('is found beside a burst larger than all beats', async () => {
    const counts = everySecond();
    for (let window = 2_000; window < 2_050; window++) counts[window] = 10_000;
    expect((await beatsOf(counts))[0]?.periodMs).toBeCloseTo(1_000, 0);
  });

  it('has the right phase after it has stopped', async () => {
    const counts = [...everySecond(), ...poissonCounts(60 * second, 5, 2)];
    const [beat] = await beatsOf(counts);
    expect(beat?.periodMs).toBeCloseTo(1_000, 0);
    expect(((beat?.at ?? 0) - seriesStart) % 1_000).toBe(200);
  });
});

it('a retry loop with alternating distances has their mean, or their sum, as its period', async () => {
  const counts = poissonCounts(3 * 60 * second, 2, 3);
  let at = 0;
  for (let beat = 0; at < counts.length; beat++) {
    counts[at] = (counts[at] ?? 0) + 50;
    at += beat % 2 === 0 ? 21 : 19;
  }
  // The sum repeats exactly, the mean only nearly.
  const [found] = await beatsOf(counts);
  expect([200, 400]).toContain(Math.round(found?.periodMs ?? 0));
});

it.each([
  ['a few bursts at even distances', [1_000, 2_000, 3_000]],
  ['nothing', []],
])('%s: no beat', async (_, bursts) => {
  const counts = new Float64Array(60 * second);
  for (const window of bursts) counts[window] = 50;
  expect(await beatsOf(counts)).toEqual([]);
});

describe('a period below 100 ms', () => {
  it.each([150, 250, 333, 5_025])('of a steady rate of %i/s is no beat', async (rate) => {
    expect(await beatsOf(clockCounts(60 * second, rate, 1))).toEqual([]);
  });

  it('of bursts every 70 ms is not named three times as long', async () => {
    const counts = poissonCounts(60 * second, 2, 5).map((count, window) =>
      window % 7 === 3 ? count + 30 : count,
    );
    expect(await beatsOf(counts)).toEqual([]);
  });

  it('hides no larger beat', async () => {
    const counts = clockCounts(60 * second, 250, 1).map((count, window) =>
      window % second === 20 ? count + 100 : count,
    );
    expect((await beatsOf(counts))[0]?.periodMs).toBeCloseTo(1_000, 0);
  });
});

it('a rate that rises and falls slowly is no beat', async () => {
  const slow = poissonCounts(300 * second, 20, 4).map((count, window) =>
    Math.round(count * (1 + 0.5 * Math.sin(window / 5_000))),
  );
  expect(await beatsOf(slow)).toEqual([]);
});

it.each([3, 45, 60])('a range of %i windows is too short for five beats', async (windows) => {
  expect(
    await beatsOf(Array.from({ length: windows }, (_, at) => (at % 20 === 0 ? 9 : 0))),
  ).toEqual([]);
});
