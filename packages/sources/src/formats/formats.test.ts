/**
 * Every format against the lines in `NAME.lines.txt` beside it. `= time duration` stands before a
 * line that is a message (the duration in ms, a dash where there is none), `! reason` before one
 * that is none. `| method path query status host client agent` may follow the former, with a dash for
 * what the line does not say. The lines of a file are read in order, by one parser, and by a new one after `~`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fitOf } from '../detect.ts';
import { Stamp } from '../format.ts';
import { Request } from '../request.ts';
import type { Instant } from '../time/instant.ts';
import { utc } from '../time/zone.ts';
import { formats } from './formats.ts';

interface Case {
  /** Which of the file's parsers reads it. */
  readonly part: number;
  readonly wanted: string;
  readonly line: string;
}

const options = {
  isDescribed: true,
  zone: utc,
  startMs: Date.parse('2016-05-28T11:11:11Z'),
  isNamed: false,
};

/** Its records say what they are of in attributes, which nobody agrees on. */
const saysNothing = new Set(['otlp']);

function casesOf(name: string): Case[] {
  const text = readFileSync(new URL(`${name}.lines.txt`, import.meta.url), 'utf8');
  const lines = text.split('\n');
  let part = 0;
  return lines.flatMap((wanted, index) => {
    if (wanted === '~') part++;
    return /^[=!] /.test(wanted) ? [{ part, wanted, line: lines[index + 1] ?? '' }] : [];
  });
}

function nanoseconds({ ms, ns }: Instant): bigint {
  return BigInt(ms) * 1_000_000n + BigInt(ns);
}

/** A number with up to so many digits behind its point, without it. */
function scaled(text: string, digits: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(digits, '0'));
}

function timeOf(text: string): bigint {
  const [second = '', fraction = ''] = text.replace('Z', '').split('.');
  return scaled(`${Date.parse(`${second}Z`) / 1_000}.${fraction}`, 9);
}

function wordsOf(request: Request): string {
  const { method, path, query, status, host, client, agent } = request;
  const texts = [method, path, query].map((slice) => slice.text());
  const all = [...texts, String(status || ''), host.text(), client.text(), agent.text()];
  return all.map((text) => text || '-').join(' ');
}

describe.each(formats)('$name', (format) => {
  const cases = casesOf(format.name);
  const parsers = new Map(cases.map(({ part }) => [part, format.parser(options)]));

  test.each(cases)('$wanted | $line', ({ part, wanted, line }) => {
    // In the midst of other bytes, as in a chunk.
    const bytes = Buffer.from(`}"]0123\n${line}\n"}0123`);
    const from = bytes.indexOf('\n') + 1;
    const stamp = new Stamp();
    const reason = parsers.get(part)?.parse(bytes, from, bytes.lastIndexOf('\n'), stamp);
    if (wanted.startsWith('! ')) {
      expect(reason).toBe(wanted.slice(2));
      return;
    }
    const [head = '', ...described] = wanted.split(' | ');
    const [, time = '', duration = ''] = head.split(' ');
    expect(reason).toBeUndefined();
    expect(nanoseconds(stamp.time)).toBe(timeOf(time));
    expect(stamp.hasDuration ? nanoseconds(stamp.duration) : '-').toBe(
      duration === '-' ? '-' : scaled(duration, 6),
    );
    const request = new Request(true);
    parsers.get(part)?.describe(bytes, from, bytes.lastIndexOf('\n'), request);
    if (described.length > 0) expect(wordsOf(request)).toBe(described.join(' | '));
  });

  test('has lines of both kinds, and is what its own lines are taken for', () => {
    expect(cases.some(({ wanted }) => wanted.startsWith('='))).toBe(true);
    expect(cases.some(({ wanted }) => wanted.startsWith('!'))).toBe(true);
    expect(cases.some(({ wanted }) => wanted.includes(' | '))).toBe(!saysNothing.has(format.name));
    const sample = cases.map(({ line }) => Buffer.from(line));
    expect(fitOf(sample, formats, options)?.format.name).toBe(format.name);
  });

  test('has an example that is a line of it', () => {
    const first = cases.findIndex(({ wanted }) => wanted.startsWith('='));
    const sample = [...cases.slice(0, first).map(({ line }) => line), format.example];
    const fit = fitOf(
      sample.map((line) => Buffer.from(line)),
      [format],
      options,
    );
    expect(fit?.messages).toBe(1);
  });
});
