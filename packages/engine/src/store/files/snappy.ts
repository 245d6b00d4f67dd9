/**
 * Inflates Google's snappy, raw format (its format_description.txt): the length, then literals and
 * copies of earlier bytes. LevelDB compresses the blocks of a table with it.
 */
import { BadBytes, Reader } from './bytes.ts';

/** @throws BadBytes */
export function inflateSnappy(compressed: Buffer): Buffer {
  const reader = new Reader(compressed);
  const out = Buffer.alloc(reader.varint());
  let at = 0;
  while (!reader.atEnd) {
    const tag = reader.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = (short < 60 ? short : reader.fixed(short - 59)) + 1;
      at += reader.take(length).copy(out, at);
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = kind === 1 ? ((tag >> 5) << 8) | reader.byte() : reader.fixed(kind === 2 ? 2 : 4);
    if (back === 0 || back > at) throw new BadBytes('a copy starts before the block');
    for (let count = 0; count < length; count++, at++) out[at] = out[at - back] ?? 0;
  }
  if (at !== out.length) throw new BadBytes('a block does not have the length that it states');
  return out;
}
