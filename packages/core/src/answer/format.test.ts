import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chunk } from '../chunk.ts';
import { min, ms10, type Period, periods, sec } from '../period.ts';
import { allocateWindows } from '../windows.ts';
import {
  type Answer,
  contentTypes,
  countedRows,
  type FormatName,
  formatAnswer,
  formatNames,
  parseFormat,
} from './format.ts';

const start = Date.UTC(2016, 4, 28, 11, 11, 11);

/** Windows from `chunkStart` on; undefined is a gap. */
function chunkOf(chunkStart: number, counts: readonly (number | undefined)[]): Chunk {
  const windows = allocateWindows(counts.length);
  for (const [index, count] of counts.entries()) {
    if (count === undefined) continue;
    windows.counts[index] = count;
    windows.counted[index] = 1;
  }
  return { start: chunkStart, windows };
}

function answerOf(period: Period): Answer {
  return { period, scope: 'node', from: 10, to: 20, finalThrough: 30 };
}

async function format(
  name: FormatName,
  chunks: readonly Chunk[],
  period: Period = ms10,
): Promise<string> {
  const pieces: Uint8Array[] = [];
  const read = async function* () {
    yield* chunks;
  };
  for await (const piece of formatAnswer(name, answerOf(period), read, []))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}

describe('parseFormat', () => {
  it('takes the four names', () => {
    expect(['text', 'csv', 'json', 'ndjson'].map(parseFormat)).toEqual([...formatNames]);
    expect(Object.keys(contentTypes)).toEqual([...formatNames]);
  });

  it.each(['', 'TEXT', 'xml', 'toString'])('refuses "%s"', (name) => {
    expect(() => parseFormat(name)).toThrow(
      expect.objectContaining({
        code: 'RETO3_BAD_FORMAT',
        message: `got format "${name}", want one of text, csv, json, ndjson`,
      }),
    );
  });
});

describe('windows', () => {
  const chunks = [
    chunkOf(start, [undefined, 122, 0, undefined]),
    chunkOf(start + 990, [5, 1_234_567]),
    chunkOf(start + 2_000, [undefined, undefined]),
  ];

  it('as text are one line each: start, comma, space, count; zeros included, gaps absent', async () => {
    expect(await format('text', chunks)).toBe(
      '2016-05-28 11:11:11.010, 122\n' +
        '2016-05-28 11:11:11.020, 0\n' +
        '2016-05-28 11:11:11.990, 5\n' +
        '2016-05-28 11:11:12.000, 1234567\n',
    );
  });

  it('as CSV have a header row and no space', async () => {
    expect(await format('csv', chunks)).toBe(
      'start,count\n' +
        '2016-05-28 11:11:11.010,122\n' +
        '2016-05-28 11:11:11.020,0\n' +
        '2016-05-28 11:11:11.990,5\n' +
        '2016-05-28 11:11:12.000,1234567\n',
    );
  });

  it('as NDJSON are one object a line', async () => {
    expect(await format('ndjson', chunks)).toBe(
      '{"start":1464433871010,"count":122}\n' +
        '{"start":1464433871020,"count":0}\n' +
        '{"start":1464433871990,"count":5}\n' +
        '{"start":1464433872000,"count":1234567}\n',
    );
  });

  it('as JSON are columns, along with the query', async () => {
    expect(await format('json', chunks)).toBe(
      '{"period":"ms10","windowMs":10,"scope":"node","from":10,"to":20,"finalThrough":30,' +
        '"starts":[1464433871010,1464433871020,1464433871990,1464433872000],' +
        '"counts":[122,0,5,1234567],"revised":[],"partial":[],"damaged":[],"damagedPlaces":0}\n',
    );
  });

  it('are marked if counted in part, in JSON and NDJSON', async () => {
    const chunk = chunkOf(start, [1, 2]);
    chunk.windows.partial[1] = 1;
    expect(await format('json', [chunk])).toContain(`"partial":[${start + 10}],`);
    expect(await format('ndjson', [chunk])).toBe(
      `{"start":${start},"count":1}\n{"start":${start + 10},"count":2,"partial":true}\n`,
    );
    expect(await format('text', [chunk])).not.toContain('partial');
  });

  it('are marked if revised, in JSON and NDJSON', async () => {
    const chunk = chunkOf(start, [1, 2, 3]);
    chunk.windows.revised[1] = 1;
    expect(await format('json', [chunk])).toContain(`"revised":[${start + 10}],`);
    expect(await format('ndjson', [chunk])).toBe(
      `{"start":${start},"count":1}\n` +
        `{"start":${start + 10},"count":2,"revised":true}\n` +
        `{"start":${start + 20},"count":3}\n`,
    );
    expect(await format('text', [chunk])).not.toContain('revised');
  });

  it('of seconds and minutes look the same', async () => {
    expect(await format('text', [chunkOf(start, [1, 2])], sec)).toBe(
      '2016-05-28 11:11:11.000, 1\n2016-05-28 11:11:12.000, 2\n',
    );
    expect(await format('text', [chunkOf(start - 11_000, [1, 2])], min)).toBe(
      '2016-05-28 11:11:00.000, 1\n2016-05-28 11:12:00.000, 2\n',
    );
  });

  it('an empty range gives no lines, only the header, or empty columns', async () => {
    for (const none of [[], [chunkOf(start, [undefined])]]) {
      expect(await format('text', none)).toBe('');
      expect(await format('csv', none)).toBe('start,count\n');
      expect(await format('ndjson', none)).toBe('');
      expect(JSON.parse(await format('json', none))).toMatchObject({ starts: [], counts: [] });
    }
  });
});

describe('whatever was counted', () => {
  const largest = Number.MAX_SAFE_INTEGER;
  const digits = fc.integer({ min: 0, max: 15 }).chain((power) =>
    // Around the powers of ten, where the number of digits changes.
    fc.constantFrom(10 ** power - 1, 10 ** power, largest, largest - 1),
  );
  const count = fc.option(fc.oneof(fc.integer({ min: 0, max: largest }), digits), {
    nil: undefined,
  });
  const written = fc.constantFrom(...Object.values(periods)).chain((period) =>
    fc.record({
      period: fc.constant(period),
      chunks: fc.array(
        fc
          .tuple(
            fc.integer({ min: 0, max: Math.floor(Date.UTC(9999, 0) / period.windowMs) }),
            fc.array(count, { maxLength: 120 }),
          )
          .map(([window, counts]) => chunkOf(window * period.windowMs, counts)),
        { maxLength: 4 },
      ),
    }),
  );

  function rowsOf(chunks: readonly Chunk[], period: Period): (readonly [number, number])[] {
    return chunks.flatMap((chunk) => [...countedRows(chunk, period)]);
  }

  it.each([
    ['text', /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}), (\d+)$/],
    ['csv', /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}),(\d+)$/],
  ] as const)('parses back from %s to the same rows', async (name, line) => {
    await fc.assert(
      fc.asyncProperty(written, async ({ period, chunks }) => {
        const lines = (await format(name, chunks, period)).split('\n').slice(0, -1);
        const rows = lines.slice(name === 'csv' ? 1 : 0).map((text) => {
          const [, at = '', total = ''] = line.exec(text) ?? [];
          return [Date.parse(`${at.replace(' ', 'T')}Z`), Number(total)];
        });
        expect(rows).toEqual(rowsOf(chunks, period));
      }),
      { numRuns: 60 },
    );
  });

  it('parses back from JSON and NDJSON to the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(written, async ({ period, chunks }) => {
        const rows = rowsOf(chunks, period);
        const columns = JSON.parse(await format('json', chunks, period));
        expect(columns.starts).toEqual(rows.map(([at]) => at));
        expect(columns.counts).toEqual(rows.map(([, total]) => total));
        const lines = (await format('ndjson', chunks, period)).split('\n').slice(0, -1);
        expect(lines.map((line) => JSON.parse(line))).toEqual(
          rows.map(([at, total]) => ({ start: at, count: total })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('is streamed in pieces of a block at most', async () => {
    const chunks = Array.from({ length: 3 }, (_, index) =>
      chunkOf(start + index * 60_000, new Array<number>(6_000).fill(50)),
    );
    for (const name of formatNames) {
      let chunksRead = 0;
      let pieces = 0;
      const read = async function* () {
        for (const chunk of chunks) {
          chunksRead++;
          yield chunk;
        }
      };
      for await (const piece of formatAnswer(name, answerOf(ms10), read, [])) {
        pieces++;
        expect(chunksRead).toBeLessThanOrEqual(pieces);
        expect(piece.length).toBeLessThan(6_000 * 40);
      }
    }
  });
});
