import { expect, test } from 'vitest';
import { storedZstd } from './testing/index.ts';
import { isZstd, zstdFrames } from './zstd-frames.ts';

const frame = (base64: string): Buffer => Buffer.from(base64, 'base64');

/** As zstd, pzstd and this test write them. */
const frames = {
  'with a checksum': frame(
    'KLUv/WQdANUCANKFEhiAOekzAGLaHOVggUBr26RtmUjO2DkqOToG8javBvI271ZlOQ6EEtQyxfKPVes5pFTgYRoQiol/AFtB0u8sFIazHIKGhoqdbRdoBAALk0hiGKZde4k5JwgPn64=',
  ),
  'of a pipe': frame(
    'KLUv/QBYxQIAwoUSGICp6TMAYsqPcrBARNaatbYldc6QHNUdFsV4my3G2zxtRZKUlDpUzTEs/2hqRYe1CkRcA4Jh4h/AVnD0QwuFASWH4OEhYmfbBRoDAEkMw7RrLzHnBA==',
  ),
  skippable: frame('UCpNGAQAAABlAAAA'),
  'skippable and empty': frame('XypNGAAAAAA='),
  'of several blocks': storedZstd(Buffer.alloc(200_000, 'GET / HTTP/1.1\n')),
  // One byte, 1,000 times.
  'of a repeated byte': Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x60, 0xe8, 2, 0x43, 0x1f, 0, 0x41]),
};
const all = Buffer.concat(Object.values(frames));

async function cut(bytes: Buffer, chunkBytes = bytes.length): Promise<Buffer[]> {
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  const parts: Buffer[] = [];
  for await (const part of zstdFrames(chunks())) parts.push(part);
  return parts;
}

/** Where each of some bytes ends behind those before it. */
function endsOf(all: readonly Buffer[]): number[] {
  let end = 0;
  return all.map(({ length }) => {
    end += length;
    return end;
  });
}

test('cuts data behind each frame', async () => {
  expect(await cut(all)).toEqual(Object.values(frames));
});

test.each([1, 7, 1_000])('cuts chunks of %i bytes where frames end', async (chunkBytes) => {
  const parts = await cut(all, chunkBytes);
  expect(Buffer.concat(parts)).toEqual(all);
  const ends = endsOf(parts);
  for (const end of endsOf(Object.values(frames))) expect(ends).toContain(end);
});

test.each(Object.entries(frames))('notices where a frame %s is cut off', async (_, bytes) => {
  for (const length of [1, 4, bytes.length - 1])
    await expect(cut(bytes.subarray(0, length))).rejects.toThrow(
      'it ends in the middle of its compressed data',
    );
});

test('refuses other bytes behind a frame', async () => {
  const followed = Buffer.concat([frames.skippable, Buffer.from('GET /')]);
  await expect(cut(followed)).rejects.toThrow('its compressed data is damaged');
});

test('recognises data by its first bytes', () => {
  for (const bytes of Object.values(frames)) expect(isZstd(bytes)).toBe(true);
  for (const other of ['', 'KLU', 'GET / HTTP/1.1']) expect(isZstd(Buffer.from(other))).toBe(false);
});
