import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonFields } from './json-fields.ts';

/** The values of some keys, as text; of several lines, one after the other. */
function valuesOf(keys: readonly string[], lines: readonly string[]): (string | undefined)[][] {
  const fields = new JsonFields(keys);
  return lines.map((line) => {
    const bytes = Buffer.from(`x${line}x`);
    if (!fields.scan(bytes, 1, bytes.length - 1)) return [];
    return keys.map((_, index) =>
      fields.has(index) ? bytes.toString('utf8', fields.from[index], fields.to[index]) : undefined,
    );
  });
}

/** The same by JSON.parse, for strings without escapes and numbers. */
function parsed(keys: readonly string[], line: string): (string | undefined)[] {
  const object: Record<string, unknown> = JSON.parse(line);
  return keys.map((key) => {
    const value = object[key];
    return value === undefined || value === null ? undefined : String(value);
  });
}

const keys = ['ts', 'msg', 'duration'];
const plain = fc.string({
  unit: fc.constantFrom('a', ' ', ':', ',', '{', '}', '[', 'é'),
  maxLength: 70,
});
const anything = fc.string({
  unit: fc.constantFrom('"', '\\', 'ts', '":', ',', '{', 'b'),
  maxLength: 40,
});

/** A line of one program: its keys in one order, its values of any length. */
const object = fc
  .tuple(anything, fc.nat(), anything, plain, anything, fc.oneof(fc.nat(), fc.constant(null)))
  .map(([first, ts, between, msg, inside, duration]) => ({
    first,
    ts,
    between: [between, { a: inside }],
    msg,
    request: { headers: { X: [inside] } },
    duration,
    last: between,
  }));

describe('JsonFields', () => {
  test('finds what JSON.parse finds, in the lines of one program', () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 150, maxLength: 200 }), (objects) => {
        const lines = objects.map((each) => JSON.stringify(each));
        expect(valuesOf(keys, lines)).toEqual(lines.map((line) => parsed(keys, line)));
      }),
      { numRuns: 20 },
    );
  });

  test('finds what JSON.parse finds where objects inside have keys of the same names', () => {
    const tricky = fc
      .tuple(object, fc.nat(), fc.boolean())
      .map(([{ first, ...rest }, inside, isFirst]) =>
        isFirst
          ? { first: { ts: inside, msg: 'no' }, ...rest }
          : { ...rest, first: { duration: 1 } },
      );
    fc.assert(
      fc.property(fc.array(tricky, { minLength: 150, maxLength: 200 }), (objects) => {
        const lines = objects.map((each) => JSON.stringify(each));
        expect(valuesOf(keys, lines)).toEqual(lines.map((line) => parsed(keys, line)));
      }),
      { numRuns: 20 },
    );
  });

  test('reads keys with blanks around them, and objects inside', () => {
    const spaced = '{ "ts" : 1 , "data": { "time" : "x" }, "time": 2 }';
    expect(valuesOf(['ts', 'data/time', 'time'], [spaced])).toEqual([['1', 'x', '2']]);
  });

  test.each(['', '{', '{"ts":1', '[{"ts":1}]', '{"ts":"1}', '{"other":1}}', 'x'])(
    'takes no value of %s',
    (line) => {
      expect(valuesOf(['ts'], [line])).toEqual([[]]);
    },
  );
});
