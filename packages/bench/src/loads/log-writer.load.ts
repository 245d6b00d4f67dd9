/**
 * Program: `node log-writer.load.js OPTIONS` appends lines of the present to a log at a fixed rate;
 * log-writer.ts types its JSON.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { madeLog, madeRequests } from '@reto3/sources/testing';
import type { LogWriterOptions, LogWriterResult } from './log-writer.ts';

const options: LogWriterOptions = JSON.parse(process.argv[2] ?? '');
const beatMs = 10;
const beatsOfSample = 100;

const perBeat = Math.round((options.linesPerSecond * beatMs) / 1_000);
/** Any moment; it is replaced by the present. */
const sampleMs = 1_464_433_871_123;
const requests = madeRequests(perBeat * beatsOfSample, 1).map((request) => ({
  ...request,
  startMs: sampleMs,
  startNs: 0,
  durationMs: 0,
  durationNs: 0,
}));
const batches = Array.from({ length: beatsOfSample }, (_, beat) =>
  madeLog('nginx', requests.slice(beat * perBeat, (beat + 1) * perBeat)),
);

const file = openSync(options.path, 'a');
const beats = (options.seconds * 1_000) / beatMs;
const startMs = performance.now();
let messages = 0;
let latestMs = 0;
for (let beat = 0; beat < beats; beat++) {
  const lateMs = performance.now() - startMs - beat * beatMs;
  latestMs = Math.max(latestMs, lateMs);
  if (lateMs < 0) await setTimeout(-lateMs);
  const batch = batches[beat % beatsOfSample];
  if (batch === undefined) throw new Error('BUG: the sample has no such beat');
  writeSync(file, batch.text.replaceAll(secondsOf(sampleMs), secondsOf(Date.now())));
  messages += batch.times.length;
}
closeSync(file);
const result: LogWriterResult = { messages, latestMs };
process.stdout.write(`${JSON.stringify(result)}\n`);

/** As nginx writes `$msec`. */
function secondsOf(timeMs: number): string {
  return (timeMs / 1_000).toFixed(3);
}
