import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { rowSink } from './row-sink.ts';

const rows = [{ key: '/é' }, { key: '/😀' }];
const text = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

it.each([1, 2, 3, 7, text.length])('reads rows in pieces of %i bytes', async (bytes) => {
  const pieces = Array.from({ length: Math.ceil(text.length / bytes) }, (_, piece) =>
    text.subarray(piece * bytes, (piece + 1) * bytes),
  );
  const taken: unknown[] = [];
  await pipeline(
    Readable.from(pieces),
    rowSink<unknown>((row) => taken.push(row)),
  );
  expect(taken).toEqual(rows);
});
