import { afterEach, expect, test, vi } from 'vitest';
import { print } from './analysis.ts';

afterEach(() => void vi.restoreAllMocks());

const answer = {
  messages: 12_345_678_901,
  meanRate: 0.1 + 0.2,
  scales: [{ mean: 1 / 3 }],
  damaged: [],
  damagedPlaces: 0,
};
const source = { dataDir: './data' };
const layout = {
  lines: () => [],
  columns: ['from', 'share'],
  rows: () => [{ from: 1_480_384_140_000, share: 2 / 3 }],
};

test.each([
  // The answer exactly as the server sends it.
  ['json', `${JSON.stringify(answer)}\n`],
  ['csv', 'from,share\n1480384140000,0.666666667\n'],
  ['ndjson', '{"from":1480384140000,"share":0.666666667}\n'],
] as const)('%s: rows have no noise of arithmetic, and every digit of a count', (format, text) => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  print(source, answer, format, layout);
  expect(write.mock.calls).toEqual([[text]]);
});

test('without rows, NDJSON is empty: a blank line is no JSON', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  print(source, answer, 'ndjson', { ...layout, rows: () => [] });
  expect(write.mock.calls).toEqual([['']]);
});

test('says which moment the logs mark, unless JSON or the reading of a log has said it', () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const counted = { ...answer, moment: 'end' } as const;
  print(source, counted, 'json', layout);
  print({ logs: ['access.log'], options: {} }, counted, 'csv', layout);
  print(source, answer, 'csv', layout);
  expect(said.mock.calls).toEqual([]);
  print(source, counted, 'csv', layout);
  expect(said.mock.calls).toEqual([['reto3: logs are counted by the end of each request\n']]);
});
