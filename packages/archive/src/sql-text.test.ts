import { expect, test } from 'vitest';
import type { TextRows } from './sql.ts';
import { csvText, jsonText, ndjsonText } from './sql-text.ts';

function textRows(
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): TextRows {
  return {
    columns,
    rows: (async function* () {
      yield* rows;
    })(),
  };
}

async function joined(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

test('CSV quotes what needs it, and tells NULL from an empty text', async () => {
  const rows = textRows(
    ['a', 'b,c'],
    [
      [null, ''],
      ['x"y', 'one\ntwo'],
      ['plain', '1'],
    ],
  );
  expect(await joined(csvText(rows))).toBe('a,"b,c"\n,""\n"x""y","one\ntwo"\nplain,1\n');
});

test.each([
  [[], '[]\n', ''],
  [['{"a":1}'], '[\n{"a":1}\n]\n', '{"a":1}\n'],
  [['{"a":1}', '{"a":2}'], '[\n{"a":1},\n{"a":2}\n]\n', '{"a":1}\n{"a":2}\n'],
])('%j is one array as JSON, and a line each as NDJSON', async (objects, json, ndjson) => {
  const rows = objects.map((object) => [object]);
  expect(await joined(jsonText(textRows(['object'], rows)))).toBe(json);
  expect(await joined(ndjsonText(textRows(['object'], rows)))).toBe(ndjson);
});
