import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { drawTop } from './draw.ts';
import { figuresOf } from './figures.ts';
import { RecentWindows } from './recent-windows.ts';
import { type ServerState, type ShownInfo, WorkerRates } from './server-state.ts';

const end = Date.UTC(2016, 4, 28, 11, 12, 0);
const canvas = { columns: 80, lines: 24, colours: false };
const info: ShownInfo = {
  version: '1.2.3',
  node: 'web-1',
  boot: 7,
  uptimeMs: 8_040_000,
  messagesSinceStart: 1_234_567,
  messagesByWorker: [600_000, 634_567],
  messagesInAll: 4_123_456,
  freshnessMs: { p50: 24, p99: 31.25, max: 48 },
};
const server: ServerState = {
  scope: 'node',
  url: 'http://127.0.0.1:8081',
  away: undefined,
  info,
  workers: [3_000, 1_000],
  nodes: [],
};
const node = { lagMs: 40, clockOffsetMs: 0, boot: 1, revision: 2, mark: 3, heardAt: 4 };

/** A minute in which every second has more messages than the one before, with a gap and a burst. */
function busyMinute(): RecentWindows {
  const recent = new RecentWindows();
  const windows = Array.from({ length: 6_000 }, (_, index): [number, number] => [
    end - 60_000 + index * 10,
    index === 4_321 ? 500 : Math.floor(index / 100),
  ]);
  recent.take([...windows.slice(0, 2_000), ...windows.slice(2_500)], end);
  return recent;
}

test('of a cluster it shows the messages and the shares of its nodes, nothing of one server alone', () => {
  const nodes = [
    { ...node, name: 'web-1', state: 'live' as const, rate: 3_000, share: 0.75 },
    { ...node, name: 'web-2', state: 'silent' as const, rate: 1_000, share: 0.25 },
  ];
  const lines = drawTop({ ...server, scope: 'cluster', nodes }, busyMinute(), canvas);
  expect(lines[0]).toBe(
    'reto3 1.2.3  cluster of 2 nodes, 1 live  asked at web-1  up 2 h 14 min  http://127.0.0.1:8081',
  );
  expect(lines[3]).toBe('rate       5,900 messages/s, 5,450 over 10 s, 3,026 over the minute');
  expect(lines.slice(-3)).toEqual([
    'nodes of the cluster',
    'web-1  live    3,000/s  75 %  lag 40 ms',
    'web-2  silent  1,000/s  25 %  lag 40 ms',
  ]);
  expect(lines.join('\n')).not.toMatch(/^(messages|freshness|workers)/m);
});

test('a second that was counted in part is marked, and is not the highest', () => {
  const recent = new RecentWindows();
  // The server started 300 ms before a second ended, and was flooded.
  const windows = Array.from({ length: 230 }, (_, index): [number, number] => [
    end - 2_300 + index * 10,
    index < 30 ? 1_000 : 1,
  ]);
  recent.take(windows, end);
  const lines = drawTop(server, recent, { ...canvas, columns: 5 });
  const title = lines.findIndex((line) => line.startsWith('each of the last'));
  expect(lines.slice(title, title + 2)).toEqual([
    'each of the last 5 s, the highest 100; ╌ counted in part',
    '  ╌██',
  ]);
});

test('text from a server cannot command the terminal', () => {
  const hostile = '\u001b]52;c;aGk=\u0007\n\u009b2J\u202e';
  const nodes = [{ ...node, name: hostile, state: 'live' as const, rate: 1, share: 1 }];
  const state = { ...server, info: { ...info, node: hostile }, nodes };
  for (const colours of [false, true])
    for (const away of [undefined, { since: end, reason: hostile }]) {
      const lines = drawTop({ ...state, away }, busyMinute(), { ...canvas, colours });
      const text = lines.map(stripVTControlCharacters).join('\n');
      expect(text).toContain('node \\x1b]52;c;aGk=\\x07\\n\\x9b2J\\u202e');
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u);
    }
});

test('it shows the rate, the last minute, its peaks, and who did the work', () => {
  const nodes = [
    { ...node, name: 'web-1', state: 'live' as const, rate: 3_000, share: 0.75 },
    { ...node, name: 'web-2', state: 'silent' as const, rate: 1_000, share: 0.25 },
  ];
  expect(drawTop({ ...server, nodes }, busyMinute(), canvas)).toMatchInlineSnapshot(`
    [
      "reto3 1.2.3  node web-1  up 2 h 14 min  http://127.0.0.1:8081",
      "final through 2016-05-28 11:12:00.000 UTC",
      "",
      "rate       5,900 messages/s, 5,450 over 10 s, 3,026 over the minute",
      "messages   1,234,567 since the start, 4,123,456 in all",
      "freshness  24 ms (p50), 31.25 ms (p99), 48 ms at most, from arrival until final",
      "",
      "each of the last 59 s, the highest 5,900",
      "▁▁▁▁▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃     ▄▄▄▄▄▅▅▅▅▅▅▅▅▆▆▆▆▆▇▆▆▆▇▇▇▇▇▇▇▇█████",
      "",
      "peak 10 ms windows of the last minute, mean 30, peak/mean 17",
      "11:11:43.210  500  ██████████████████████████████",
      "11:11:59.990  59   ████",
      "11:11:59.980  59   ████",
      "11:11:59.970  59   ████",
      "11:11:59.960  59   ████",
      "",
      "workers",
      "1  3,000/s  75 %  ███████████████████████",
      "2  1,000/s  25 %  ████████",
      "",
      "nodes of the cluster",
      "web-1  live    3,000/s  75 %  lag 40 ms",
      "web-2  silent  1,000/s  25 %  lag 40 ms",
    ]
  `);
});

test('it shows since when the server has not answered, and the last known state', () => {
  const away = { since: end + 250, reason: 'connect ECONNREFUSED' };
  const lines = drawTop({ ...server, away }, busyMinute(), canvas);
  expect(lines[1]).toBe('no answer since 11:12:00.250, trying again (connect ECONNREFUSED)');
  expect(lines.join('\n')).toContain('1,234,567 since the start');
});

test('while the server does not answer, workers and nodes have no rate, share or lag', () => {
  const away = { since: end + 250, reason: 'it is silent' };
  const nodes = [{ ...node, name: 'web-1', state: 'live' as const, rate: 3_000, share: 0.75 }];
  const state = { ...server, nodes, away };
  const lines = drawTop(state, busyMinute(), canvas);
  expect(lines.slice(-5)).toEqual([
    ...['workers', 'no answer', ''],
    ...['nodes of the cluster', 'web-1  live  -'],
  ]);
  const unknown = { rate: null, share: null, lagMs: null };
  expect(figuresOf(state, busyMinute())).toMatchObject({
    nodes: [{ name: 'web-1', ...unknown }],
    server: { workerRates: [null, null] },
  });
  const present = figuresOf({ ...state, away: undefined }, busyMinute());
  expect(present).toMatchObject({ nodes, server: { workerRates: [3_000, 1_000] } });
});

test('before the first window it says so', () => {
  const lines = drawTop({ ...server, workers: [] }, new RecentWindows(), canvas);
  expect(lines[1]).toBe('waiting for the first window');
  expect(lines.join('\n')).toContain('rate       - messages/s');
});

test('it reports connections that ended without a message, if there are any', () => {
  const told = { ...info, connectionsWithoutMessage: 1_234 };
  expect(drawTop({ ...server, info: told }, busyMinute(), canvas)).toContain(
    'silent     1,234 connections ended without a message',
  );
  expect(drawTop(server, busyMinute(), canvas).join('\n')).not.toContain('silent');
});

test('before the first message it claims no freshness', () => {
  const quiet = { ...info, messagesSinceStart: 0, freshnessMs: { p50: 0, p99: 0, max: 0 } };
  const lines = drawTop({ ...server, info: quiet }, busyMinute(), canvas);
  expect(lines).toContain('freshness  no message yet');
});

test('colours change no character', () => {
  const plain = drawTop(server, busyMinute(), canvas);
  const coloured = drawTop(server, busyMinute(), { ...canvas, colours: true });
  expect(coloured).not.toEqual(plain);
  expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(plain);
});

test('the rates of the workers come from the last five seconds, and begin anew after a restart', () => {
  const rates = new WorkerRates();
  const after = (seconds: number, messagesByWorker: number[], boot = 7): number[] => {
    rates.take(seconds * 1_000, { ...info, boot, messagesByWorker });
    return rates.rates();
  };
  expect(after(0, [100, 0])).toEqual([0, 0]);
  expect(after(1, [200, 10])).toEqual([100, 10]);
  for (let second = 2; second <= 5; second++) after(second, [200, 10]);
  expect(after(6, [200, 10])).toEqual([0, 0]);
  expect(after(7, [5, 5], 8)).toEqual([0, 0]);
  expect(after(8, [6, 5], 8)).toEqual([1, 0]);
});
