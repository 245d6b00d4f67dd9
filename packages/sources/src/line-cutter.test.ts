import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineCutter } from './line-cutter.ts';

/** The lines of some bytes that come in pieces of these lengths, the last one over and over. */
function cut(bytes: Buffer, lengths: readonly number[]): string[] {
  const lines: string[] = [];
  const cutter = new LineCutter(
    (line, from, to) => lines.push(Buffer.from(line.subarray(from, to)).toString('latin1')),
    () => lines.push('too long'),
  );
  let piece = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = lengths[Math.min(piece++, lengths.length - 1)] ?? bytes.length;
    // One memory for all chunks, as a file is read.
    cutter.write(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  cutter.end();
  return lines;
}

describe('LineCutter', () => {
  test('finds the same lines, however their bytes are cut into chunks', () => {
    const line = fc.string({
      unit: fc.constantFrom('a', 'é', ' ', '"', '\r', '\t'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        fc.array(line),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        fc.boolean(),
        (lines, lengths, endsOpen) => {
          const text = lines.join('\n') + (endsOpen ? '' : '\n');
          const wanted = text.split('\n').map((each) => each.replace(/\r$/, ''));
          if (text.endsWith('\n') || text === '') wanted.pop();
          expect(cut(Buffer.from(text, 'latin1'), lengths)).toEqual(wanted);
        },
      ),
    );
  });

  test('drops a byte order mark, carriage returns and the NUL bytes of a truncated file', () => {
    const bytes = Buffer.from('\xef\xbb\xbfa\r\n\0\0\0b\nc', 'latin1');
    expect(cut(bytes, [1])).toEqual(['a', 'b', 'c']);
    expect(cut(bytes, [100])).toEqual(['a', 'b', 'c']);
  });

  test('takes lines of 64 KiB, and says at once which are longer than 1 MiB', () => {
    const long = 'x'.repeat(1 << 16);
    const tooLong = 'y'.repeat((1 << 20) + 1);
    const bytes = Buffer.from(`${long}\n${tooLong}\nz\n${tooLong}`);
    expect(cut(bytes, [4_096])).toEqual([long, 'too long', 'z', 'too long']);
    const endless: string[] = [];
    const cutter = new LineCutter(
      () => endless.push('a line'),
      () => endless.push('too long'),
    );
    for (let chunk = 0; chunk < 40; chunk++) cutter.write(Buffer.from(long));
    expect(endless).toEqual(['too long']);
  });
});
