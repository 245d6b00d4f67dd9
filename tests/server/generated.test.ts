/**
 * Compares the report `generated` with `count`, window by window. Both have the same messages,
 * shifted by the time between the moment that a message names and its arrival: how long the client
 * held it, plus how far the server's clock is ahead.
 *
 * To know the window of an arrival, the client sends a burst at the beginning of a window by the
 * server's clock, and notes when the last answer arrives. If that is still the same window, the
 * whole burst arrived in it. A burst that took longer proves nothing about windows, so another one
 * is sent.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readArchive } from '@reto3/archive/src/reader.ts';
import { expect, onTestFinished, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { archivedWindows } from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { skewedClock } from '../support/faketime.ts';
import { temporaryFolder } from '../support/folder.ts';
import { headsIn } from '../support/raw-http.ts';
import { askReport, columnSum, stamp } from '../support/report.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { type Counts, countsOf, sumOf } from '../support/windows.ts';

const windowMs = 10;

function windowOf(timeMs: number): number {
  return Math.floor(timeMs / windowMs) * windowMs;
}

interface Burst {
  /** The time of generation that its messages state, epoch ms. */
  readonly generatedMs: number;
  readonly messages: number;
  /** The first and last window of a possible arrival, by the server's clock. */
  readonly first: number;
  readonly last: number;
}

/**
 * How many bursts must have a known window; each has another number of messages than its
 * neighbours.
 */
const wantedBursts = 25;
const maxMessages = 7;
/** Even on a busy machine, nearly all bursts are short enough. */
const maxBursts = 20 * wantedBursts;
/** More than a window, so that no two bursts share one. */
const pauseMs = 15;
/** libfaketime may give a time one microsecond early, which truncates to the millisecond before. */
const phaseMs = 1;

/** Sends bursts of messages held for `delayMs`, until enough windows are known. */
async function sendBursts(server: Server, skewMs: number, delayMs: number): Promise<Burst[]> {
  const socket = connect({ port: server.port, host: server.host, noDelay: true });
  socket.setEncoding('latin1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const bursts: Burst[] = [];
  while (bursts.filter(isKnown).length < wantedBursts) {
    if (bursts.length === maxBursts)
      throw new Error(`got no ${wantedBursts} of ${maxBursts} bursts answered within a window`);
    await setTimeout(pauseMs);
    const messages = 1 + (bursts.length % maxMessages);
    let sentMs = Date.now();
    while ((sentMs + skewMs) % windowMs !== phaseMs) sentMs = Date.now();
    const generatedMs = sentMs - delayMs;
    const bodies = Array.from({ length: messages }, (_, index) => stamp(generatedMs, index));
    await exchange(socket, bodies);
    const [first, last] = [windowOf(sentMs + skewMs), windowOf(Date.now() + skewMs)];
    bursts.push({ generatedMs, messages, first, last });
  }
  socket.end();
  return bursts;
}

function isKnown({ first, last }: Burst): boolean {
  return first === last;
}

/** Sends the messages in one packet; resolves when all are answered. */
async function exchange(socket: Socket, bodies: readonly string[]): Promise<void> {
  const head = 'POST / HTTP/1.1\r\nHost: reto3\r\n';
  socket.write(
    bodies.map((body) => `${head}Content-Length: ${body.length}\r\n\r\n${body}`).join(''),
  );
  let received = '';
  while (headsIn(received) < bodies.length) received += String(await once(socket, 'data'));
  expect(received.match(/^HTTP\/1\.1 200 /gm)).toHaveLength(bodies.length);
}

/** The messages in each window, summed over repeated windows. */
function countsIn(windows: Iterable<readonly [start: number, count: number]>): Counts {
  const counts = new Map<number, number>();
  for (const [start, count] of windows)
    if (count > 0) counts.set(start, (counts.get(start) ?? 0) + count);
  return counts;
}

interface Archived {
  readonly generatedMs: number;
  readonly arrivedMs: number;
}

async function archivedMessages(dataDir: string): Promise<Archived[]> {
  const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const messages: Archived[] = [];
  for await (const batch of readArchive(join(dataDir, 'archive'), allTime, 'body'))
    for (const [row, arrivedMs] of batch.arrivedMs.entries()) {
      const text = Buffer.from(batch.body(row)).toString().replace('value=', '').replace(' ', 'T');
      messages.push({ generatedMs: Date.parse(`${text}Z`), arrivedMs });
    }
  return messages;
}

/**
 * The rows that `generated` must have for messages with known arrival: start, count, late, ahead,
 * untimed.
 */
function rowsOf(messages: readonly Archived[]): number[][] {
  const rows = new Map<number, [count: number, late: number, ahead: number]>();
  for (const { generatedMs, arrivedMs } of messages) {
    const [count, late, ahead] = rows.get(windowOf(generatedMs)) ?? [0, 0, 0];
    const lag = arrivedMs - generatedMs;
    rows.set(windowOf(generatedMs), [count + 1, Math.max(late, lag), Math.max(ahead, -lag)]);
  }
  return [...rows].sort(([a], [b]) => a - b).map(([start, row]) => [start, ...row, 0]);
}

async function generatedBesideCount(skewMs: number, delayMs: number): Promise<void> {
  const dataDir = await temporaryFolder();
  const flags = ['--archive', '--report', 'generated'];
  const env = skewMs === 0 ? {} : skewedClock(skewMs);
  const server = await Server.start({ dataDir, flags, env });
  const bursts = await sendBursts(server, skewMs, delayMs);
  const sent = bursts.reduce((sum, { messages }) => sum + messages, 0);

  const generated = await askReport(server, 'generated', 'ms10');
  const counted = countsIn(countsOf(await askStats(server.adminUrl, 'ms10', 'from=0&open=true')));
  for (const period of ['ms10', 'sec', 'min']) {
    const { counts } = await askStats(server.adminUrl, period, 'from=0&open=true');
    const ofPeriod = await askReport(server, 'generated', period);
    expect(columnSum(ofPeriod, 'count')).toBe(sent);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(sent);
  }
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(sent);

  // All messages, by the client's own time stamps.
  const byStamp = countsIn(generated.rows.map(([start, n]) => [Number(start), Number(n)]));
  expect(byStamp).toEqual(countsIn(bursts.map((b) => [windowOf(b.generatedMs), b.messages])));

  // Shifted by the delay and the clock's error, they equal the counts.
  const shiftMs = delayMs + skewMs;
  const doubtful = bursts.filter((burst) => !isKnown(burst));
  const isDoubtful = (start: number): boolean =>
    doubtful.some(({ first, last }) => start >= first && start <= last);
  const certain = countsIn([...counted].filter(([start]) => !isDoubtful(start)));
  const known = bursts.filter(isKnown);
  expect(certain).toEqual(
    countsIn(known.map((b) => [windowOf(b.generatedMs + shiftMs), b.messages])),
  );
  // If the shift is whole windows, shifting the report's own windows gives the counts.
  if (shiftMs % windowMs === 0) {
    const moved = [...byStamp].map(([start, count]) => [start + shiftMs, count] as const);
    expect(countsIn(moved.filter(([start]) => !isDoubtful(start)))).toEqual(certain);
  }

  expect((await server.stop()).code).toBe(0);
  // The archive knows every arrival, also of bursts that took longer.
  const messages = await archivedMessages(dataDir);
  expect(generated.rows).toEqual(rowsOf(messages));
  expect(countsIn(await archivedWindows(dataDir))).toEqual(counted);
  expect(sumOf(counted)).toBe(messages.length);
  const folder = ['--data-dir', dataDir];
  for (const [report, windows] of [
    ['generated', byStamp.size],
    ['count', counted.size],
  ] as const)
    expect(await runCli(['replay', report, 'ms10', '--diff', ...folder])).toEqual({
      code: 0,
      stdout: '',
      stderr: `reto3: ${windows} windows of ${report} ms10 are stored as they are replayed\n`,
    });
}

const hourMs = 3_600_000;

test('generated equals count, shifted by how long the client held the messages', () =>
  generatedBesideCount(0, 4 * hourMs));

for (const [skewMs, delayMs] of [
  [90_000, 0],
  [-12_340, 2_000],
  // Not a whole number of windows.
  [90_007, 137],
] as const)
  requires('faketime')(
    `generated is count, moved by a clock that is off by ${skewMs} ms and a delay of ${delayMs} ms`,
    () => generatedBesideCount(skewMs, delayMs),
  );

test('a time before the retention of 10 ms windows counts as untimed', async () => {
  const flags = ['--report', 'generated', '--retain-ms10', '1h'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const now = Date.now();
  for (const generatedMs of [now - 2 * hourMs, now - hourMs / 2, now])
    await fetch(`http://127.0.0.1:${server.port}/`, {
      method: 'POST',
      body: stamp(generatedMs, 0),
    });
  const rows = await askReport(server, 'generated', 'ms10');
  expect([columnSum(rows, 'count'), columnSum(rows, 'untimed')]).toEqual([2, 1]);
});
