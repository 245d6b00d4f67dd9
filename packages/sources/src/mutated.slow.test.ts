/** Damaged lines of every format: no crash, and every line accounted for. */
import { readFileSync } from 'node:fs';
import { Random } from '@reto3/core/testing';
import { expect, test } from 'vitest';
import { type Reason, Stamp } from './format.ts';
import { formats } from './formats/formats.ts';
import { patternFormat } from './formats/pattern.ts';
import { utc } from './time/zone.ts';

const lines = 10_000;
const options = { zone: utc, startMs: 0, isNamed: false };

const pattern = patternFormat('^(?<time>\\S+) (?<duration>\\S+)', undefined);

test.each([...formats, pattern])('$name', (format) => {
  const random = new Random(format.name.length);
  const original =
    format === pattern
      ? ['2016-05-28T11:11:11.123Z 12ms']
      : readFileSync(new URL(`formats/${format.name}.lines.txt`, import.meta.url), 'latin1')
          .split('\n')
          .filter((line) => !/^[=!~] |^# [A-Z]/.test(line));
  const parser = format.parser(options);
  const stamp = new Stamp();
  const outcomes = new Map<Reason | 'a message', number>();
  for (let index = 0; index < lines; index++) {
    const line = Buffer.from(original[index % original.length] ?? '', 'latin1');
    const bytes = Buffer.concat([line, Buffer.from('\n1234567890123 "}],')]);
    let length = line.length;
    for (let change = random.below(4); change > 0 && length > 0; change--) {
      const at = random.below(length);
      if (random.below(5) === 0) length = at;
      else if (random.below(3) === 0) bytes.copyWithin(at, random.below(length), length);
      else bytes[at] = random.below(256);
    }
    const outcome = parser.parse(bytes, 0, length, stamp) ?? 'a message';
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (outcome !== 'a message') continue;
    const { time, duration, hasDuration } = stamp;
    for (const { ms, ns } of hasDuration ? [time, duration] : [time]) {
      expect(Number.isSafeInteger(ms)).toBe(true);
      expect(ns >= 0 && ns < 1_000_000 && Number.isInteger(ns)).toBe(true);
    }
  }
  expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(lines);
  expect(outcomes.get('a message')).toBeGreaterThan(0);
  expect(outcomes.size).toBeGreaterThan(1);
});
