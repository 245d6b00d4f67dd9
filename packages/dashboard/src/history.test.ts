import type { Stats } from '@reto3/client/answers';
import { beforeEach, expect, test, vi } from 'vitest';
import { History } from './history.ts';
import type { Range } from './view.ts';

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const range = { from: 60_000, to: 120_000 };

function answerTo({ from, to }: Range): Stats {
  return {
    ...{ period: 'sec', windowMs: 1_000, scope: 'node', from, to, finalThrough: to },
    ...{ starts: [], counts: [], revised: [], partial: [], damaged: [], damagedPlaces: 0 },
  };
}

test('a problem is reported until an answer succeeds', async () => {
  const refused = new Error('too many long answers');
  const problems: unknown[] = [];
  let failures = 1;
  const client = {
    stats: async (_: string, asked: Range) => {
      if (failures-- > 0) throw refused;
      return answerTo(asked);
    },
  };
  const history = new History(client, (problem) => problems.push(problem));
  history.series('sec', range);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(problems).toEqual([refused, refused]);
  history.series('sec', range);
  await vi.advanceTimersByTimeAsync(0);
  expect(problems).toEqual([refused, refused, undefined]);
  expect(history.series('sec', range)?.covers(range)).toBe(true);
});

test('an answer to a request from before `forget` is dropped', async () => {
  const pending: ((stats: Stats) => void)[] = [];
  const client = { stats: () => new Promise<Stats>((resolve) => pending.push(resolve)) };
  let changes = 0;
  const history = new History(client, () => changes++);
  history.series('sec', range);
  history.forget();
  history.series('sec', range);
  const old = { ...answerTo({ from: 0, to: range.to }), starts: [60_000], counts: [1] };
  pending[0]?.(old);
  await vi.advanceTimersByTimeAsync(0);
  expect(changes).toBe(0);
  pending[1]?.(answerTo({ from: 0, to: range.to }));
  await vi.advanceTimersByTimeAsync(0);
  expect(changes).toBe(1);
  expect(history.series('sec', range)?.counts).toEqual([]);
});
