/**
 * Damaged lines in logs of every format. No crash; each whole line counts in its window, whatever
 * stands around it; a damaged line is skipped and accounted for, or counts once, at a time that it
 * says (testing/said-times.ts).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms10, sec } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { formats } from './formats/formats.ts';
import type { LogOptions } from './plan.ts';
import { type LogCounts, type MessageVisitor, readLogs } from './read-log.ts';
import { knownName, newName, requestRecord, runRecord } from './testing/binary-gatling.ts';
import {
  countedWindows,
  differingWindows,
  madeKind,
  madeLines,
  madeNames,
  madeRequests,
  windowsOfTimes,
} from './testing/index.ts';
import { SaidTimes } from './testing/said-times.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-mutated-'));
afterAll(() => rmSync(folder, { recursive: true }));

const damagedLines = 10_000;
/** The first lines decide the format and the moment, so they are whole. */
const firstLines = 1_200;
/** Damaged lines tell of another time of the day, so that no damage makes it that of a whole line. */
const damagedAfterMs = 3.7 * 3_600_000;

interface Message {
  readonly ms: number;
  readonly durationMs: number | undefined;
}

/** Reads the bytes as a log, and says what counts in the order of the lines. */
async function read(
  bytes: Buffer,
  options: LogOptions,
): Promise<{ readonly counts: LogCounts; readonly messages: readonly Message[] }> {
  const file = join(folder, 'mutated.log');
  writeFileSync(file, bytes);
  const messages: Message[] = [];
  const visitor: MessageVisitor = {
    message: (ms, _, durationMs) => messages.push({ ms, durationMs }),
  };
  const counts = await readLogs([file], options, Date.now(), () => undefined, visitor);
  return { counts, messages };
}

/** One to three changes: a byte, a copied part, or the end cut off. */
function damaged(random: Random, text: string, encoding?: BufferEncoding): Buffer {
  let bytes = Buffer.from(text, encoding);
  for (let change = random.between(1, 3); change > 0 && bytes.length > 0; change--) {
    const at = random.below(bytes.length);
    if (random.below(5) === 0) bytes = bytes.subarray(0, at);
    else if (random.below(3) === 0) bytes.copyWithin(at, random.below(bytes.length));
    else bytes[at] = random.below(256);
  }
  return bytes;
}

/** Damaged in a way that leaves the lines behind it alone. */
function damagedAlone(random: Random, text: string, alone: RegExp | undefined): Buffer {
  for (;;) {
    const bytes = damaged(random, text);
    if (alone === undefined || alone.test(bytes.toString('latin1'))) return bytes;
  }
}

/** Lines that the format's own tests read; those that change how others are read are left out. */
function sampleLines(format: string): readonly string[] {
  const known = formats.find(({ name }) => name === format);
  if (known === undefined || known.isStateful === true) return [];
  return readFileSync(new URL(`formats/${format}.lines.txt`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/^[=!~] |^~$|^# [A-Z\d]/.test(line));
}

/** Damaged lines, then a whole one that counts at a known time. */
interface Part {
  readonly damage: readonly Buffer[];
  readonly time: number;
}

interface DamagedLog {
  readonly bytes: Buffer;
  readonly parts: readonly Part[];
}

/** A log that begins and ends with whole lines, and between them has about as many damaged ones. */
function damagedLog(name: string, random: Random): DamagedLog {
  const { format, wrapper, alone } = madeKind(name);
  const samples = wrapper === undefined ? sampleLines(format) : [];
  const last = firstLines + 2 * damagedLines;
  const isDamaged = Array.from(
    { length: last + 1 },
    (_, index) => index >= firstLines && index < last && random.chance(0.5),
  );
  const requests = madeRequests(isDamaged.length, name.length).map((request, index) =>
    isDamaged[index] ? { ...request, startMs: request.startMs + damagedAfterMs } : request,
  );
  const lines: Buffer[] = [];
  const parts: Part[] = [];
  let damage: Buffer[] = [];
  let index = 0;
  for (const { text, time } of madeLines(name, requests)) {
    const isRequest = time !== undefined;
    // One in several pieces stays whole.
    if (isRequest && isDamaged[index] && !text.includes('\n')) {
      const original = samples.length > 0 && random.chance(0.2) ? random.pick(samples) : text;
      const line = damagedAlone(random, original, alone);
      lines.push(line);
      damage.push(line);
    } else {
      lines.push(Buffer.from(text));
      if (isRequest) {
        parts.push({ damage, time });
        damage = [];
      }
    }
    if (isRequest) index++;
  }
  const lineFeed = Buffer.from('\n');
  return { bytes: Buffer.concat(lines.flatMap((line) => [line, lineFeed])), parts };
}

/** Fails unless each whole line counts, and the damaged ones in front of it at most once each. */
function expectParts(
  parts: readonly Part[],
  messages: readonly Message[],
  isDifference: boolean,
  startMs: number | undefined,
): void {
  let next = 0;
  for (const part of parts) {
    const text = part.damage.map((line) => line.toString('latin1')).join('\n');
    let said: SaidTimes | undefined;
    const end = next + (part.damage.length === 0 ? 0 : text.split('\n').length);
    for (; messages[next]?.ms !== part.time; next++) {
      const { ms, durationMs } = messages[next] ?? {};
      if (next === end || ms === undefined)
        expect.fail(`the whole line at ${part.time} is not counted; before it: ${text}`);
      said ??= new SaidTimes(text, startMs);
      if (!said.says(ms, isDifference, durationMs))
        expect.fail(`${new Date(ms).toISOString()} (${durationMs} ms) is not said: ${text}`);
    }
    next++;
  }
  expect(next).toBe(messages.length);
}

test.each(madeNames)('%s', async (name) => {
  const { format, wrapper, options } = madeKind(name);
  const { bytes, parts } = damagedLog(name, new Random(name.length));
  const { counts, messages } = await read(bytes, options);
  const [summary] = counts.logs;
  if (summary === undefined) throw new Error('BUG: no summary of the log');
  expect(summary).toMatchObject({ format: { name: format }, wrapper, known: 0 });
  const lines = bytes.toString('latin1').split('\n').length - 1;
  expect(summary.messages + summary.skipped).toBe(lines);
  expect(summary.lines).toBe(lines);
  const reasons = [...summary.reasons.values()].reduce((sum, count) => sum + count, 0);
  expect(reasons).toBe(summary.skipped);

  const period = counts.resolutionMs <= ms10.windowMs ? ms10 : sec;
  const found = await countedWindows(counts.view(period), period);
  const times = messages.map(({ ms }) => ms);
  expect(differingWindows(found, windowsOfTimes(times, period))).toEqual([]);
  expect(messages.length).toBe(summary.messages);
  expectParts(parts, messages, summary.moment !== summary.format.moment, options.startMs);
  expect(summary.messages).toBeGreaterThan(parts.length);
  expect(summary.skipped).toBeGreaterThan(damagedLines / 10);
});

describe('the binary log of Gatling', () => {
  const startMs = Date.parse('2016-05-28T11:11:11Z');
  const everyMs = 7;

  /** A run with a request every 7 ms, record by record. */
  function recordsOf(requests: number): Buffer[] {
    return [
      runRecord(startMs),
      ...Array.from({ length: requests }, (_, index) =>
        requestRecord({
          label: index === 0 ? newName(1, 'home page') : knownName(1),
          from: everyMs * index,
          to: everyMs * index + 5,
          isGood: true,
          message: index === 0 ? newName(2, '') : knownName(2),
        }),
      ),
    ];
  }

  test('counts each request at the time of its record, whatever those of others say', async () => {
    const random = new Random(1);
    const records = recordsOf(2 * damagedLines);
    const startAt = 1 + 4 + 4;
    const wanted = records.slice(1).flatMap((record, index) => {
      if (index < firstLines || random.chance(0.5)) return startMs + everyMs * index;
      const from = random.between(-(2 ** 31), 2 ** 31 - 1);
      record.writeInt32BE(from, startAt);
      return from < 0 ? [] : startMs + from;
    });
    const { counts, messages } = await read(Buffer.concat(records), {});
    expect(messages.map(({ ms }) => ms)).toEqual(wanted);
    expect(counts.logs).toMatchObject([
      { lines: records.length, messages: wanted.length, skipped: records.length - wanted.length },
    ]);
  });

  test('counts everything in front of a damaged record, or nothing', async () => {
    const random = new Random(2);
    const wanted = Array.from({ length: 200 }, (_, index) => startMs + everyMs * index);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const records = recordsOf(wanted.length);
      const at = random.between(20, wanted.length);
      records[at] = damaged(random, records[at]?.toString('latin1') ?? '', 'latin1');
      const found = await read(Buffer.concat(records), {}).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'RETO3_LOG_UNREADABLE' });
        refused++;
      });
      if (found === undefined) continue;
      const { counts, messages } = found;
      expect(messages.slice(0, at - 1).map(({ ms }) => ms)).toEqual(wanted.slice(0, at - 1));
      const [log] = counts.logs;
      expect(log?.lines).toBe((log?.messages ?? 0) + (log?.skipped ?? 0));
    }
    expect(refused).toBeGreaterThan(30);
  });
});
