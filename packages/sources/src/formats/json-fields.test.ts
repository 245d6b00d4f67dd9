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

const wanted = ['ts', 'msg', 'data/time', 'data/tags/url'];
const blanks = fc.constantFrom('', '', '', ' ', '\t ');
const names = fc.constantFrom(
  ...['"ts"', '"msg"', '"data"', '"time"', '"tags"', '"url"', '"a"', '""'],
  ...['"t\\u0073"', '"x,\\"ts\\":"', '"ts\\\\"', `"${'k'.repeat(150)}"`],
);
const scalars = fc.constantFrom(
  ...['1', '-2.5', '1464433871.123', 'true', 'null', '""', '"GET"', '"a longer text, é"'],
  ...['"\\"ts\\":1"', '"}{]["', '",\\"msg\\":"', '"\\\\"', '"\\u0022"', '"0123\\"56\\\\"'],
);

/** The text of an object, with blanks; its keys may come twice, have escapes or be absent. */
const { line } = fc.letrec<{ line: string; list: string; value: string }>((tie) => ({
  value: fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: scalars },
    tie('line'),
    tie('list'),
  ),
  list: fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(',')}]`),
  line: fc
    .array(fc.tuple(blanks, names, blanks, tie('value')), { maxLength: 8 })
    .map((members) =>
      members.map(
        ([before, name, behind, value]) => `${before}${name}${behind}:${before}${value}${behind}`,
      ),
    )
    .map((members) => `{${members.join(',')}}`),
}));

/** What a path of keys leads to, as `valuesOf` has it: nothing of an object or a list. */
function valueAt(parsedLine: unknown, key: string): string | undefined {
  let value = parsedLine;
  for (const name of key.split('/')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = Object.entries(value).find(([each]) => each === name)?.[1];
  }
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? '' : String(value);
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without the escapes of a string. */
function plainText(value: string | undefined): string | undefined {
  return value?.includes('\\') ? String(JSON.parse(`"${value}"`)) : value;
}

describe('JsonFields', () => {
  test('finds what JSON.parse finds, whatever the lines before were', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 20, maxLength: 60 }), (lines) => {
        const found = valuesOf(wanted, lines).map((values) => values.map(plainText));
        expect(found).toEqual(
          lines.map((text) => wanted.map((key) => valueAt(JSON.parse(text), key))),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('finds in damaged lines what it finds without the lines before', () => {
    const damages = fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('', '"', '\\', ',', ':', '{', '}', ']', ' ', '"ts":2'),
      ),
      { maxLength: 3 },
    );
    let valid = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(line, damages), { minLength: 20, maxLength: 60 }), (pairs) => {
        const lines = pairs.flatMap(([text, changes]) => [
          text,
          changes.reduce((changed, [place, length, piece]) => {
            const at = place % (changed.length + 1);
            return changed.slice(0, at) + piece + changed.slice(at + length);
          }, text),
        ]);
        const found = valuesOf(wanted, lines);
        expect(found).toEqual(lines.flatMap((text) => valuesOf(wanted, [text])));
        for (const [index, text] of lines.entries()) {
          const object = parsedOrNothing(text);
          if (!text.startsWith('{') || object === undefined) continue;
          valid++;
          expect(found[index]?.map(plainText)).toEqual(wanted.map((key) => valueAt(object, key)));
        }
      }),
      { numRuns: 100 },
    );
    expect(valid).toBeGreaterThan(2_000);
  });

  test('finds keys in any order, of more lines than it keeps keys of', () => {
    const members = [...Array(40).keys()].map((index) => `"key${index}":${index}`);
    const lines = [...Array(500).keys()].map((index) => {
      const turned = members.map((_, at) => members[(at * 7 + index * 11) % 40] ?? '');
      return `{${turned.join(',')}}`;
    });
    expect(valuesOf(['key0', 'key39', 'key40'], lines)).toEqual(
      lines.map(() => ['0', '39', undefined]),
    );
  });

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

  test.each(['', '{', '{"ts":1', '[{"ts":1},{"ts":2}]', '{"ts":"1}', '{"other":1}}', 'x'])(
    'takes no value of %s',
    (line) => {
      expect(valuesOf(['ts'], [line])).toEqual([[]]);
    },
  );
});
