/** A zstd frame of stored blocks, which needs no compressor (zstd-frames.ts has the grammar). */
export function storedZstd(content: Buffer): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, hasSizeOf4Bytes, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 5);
  const parts: Buffer[] = [header];
  for (let at = 0; at < content.length; at += blockBytes) {
    const block = content.subarray(at, at + blockBytes);
    const isLast = at + blockBytes >= content.length;
    const start = Buffer.alloc(3);
    start.writeUIntLE((block.length << 3) | (isLast ? 1 : 0), 0, 3);
    parts.push(start, block);
  }
  return Buffer.concat(parts);
}

/** Flags for a size of four bytes, no window and no checksum. */
const hasSizeOf4Bytes = 0xa0;
const blockBytes = 1 << 16;
