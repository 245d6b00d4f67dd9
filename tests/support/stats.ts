/** Reads windows with the real command line. */
import { expect } from 'vitest';
import { askInfo } from './api.ts';
import { runCli } from './cli.ts';
import type { Server } from './server.ts';
import { waitUntil } from './wait.ts';
import { type Counts, parseLines } from './windows.ts';

const secondMs = 1_000;
const minuteMs = 60_000;

/** The start of the current minute: from there, a range has only whole windows. */
export function thisMinute(): number {
  return Math.floor(Date.now() / minuteMs) * minuteMs;
}

/** The start of the current second. */
export function thisSecond(): number {
  return Math.floor(Date.now() / secondMs) * secondMs;
}

/** On stderr for text and CSV, which have no marks. */
export const partialNote = /^(?:reto3: counted in part, as at a start or stop: .*\n)?$/;

/** The output of `reto3 stats`; fails if the command fails. */
export async function printStats(
  server: Server,
  period: string,
  ...flags: readonly string[]
): Promise<Counts> {
  const outcome = await runCli(['stats', period, '--url', server.adminUrl, ...flags]);
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
  return parseLines(outcome.stdout);
}

/** Resolves when all windows before `throughMs` (epoch ms) are final. */
export async function untilFinal({ adminUrl }: Server, throughMs: number): Promise<void> {
  await waitUntil('these windows are final', async () => {
    return (await askInfo(adminUrl)).finalThrough >= throughMs;
  });
}

/**
 * Resolves after so many more flushes. The first may have begun before the call; after two,
 * everything counted before the call is written.
 */
export async function untilFlushed({ adminUrl }: Server, flushes = 2): Promise<void> {
  const before = (await askInfo(adminUrl)).flushes;
  await waitUntil(`${flushes} flushes ended`, async () => {
    return (await askInfo(adminUrl)).flushes >= before + flushes;
  });
}

interface Periods {
  readonly ms10: Counts;
  readonly sec: Counts;
  readonly min: Counts;
}

/** The three periods of one range, open windows included. */
export async function printPeriods(server: Server, from: number): Promise<Periods> {
  // The same end for all three, since time passes between the commands. The end is exclusive, and a
  // message may have arrived in this very millisecond.
  const range = ['--open', '--from', String(from), '--to', String(Date.now() + 1)];
  return {
    ms10: await printStats(server, 'ms10', ...range),
    sec: await printStats(server, 'sec', ...range),
    min: await printStats(server, 'min', ...range),
  };
}
