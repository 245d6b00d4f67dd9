/**
 * Recognises a log by its first bytes, whether renamed, compressed or copied; and by the last bytes
 * read, so that reading continues only in an unchanged log.
 */
import { createHash } from 'node:crypto';
import type { Fingerprint, SourcePosition } from '@reto3/engine';

/** Hundreds of lines with their times: no two logs share them. */
export const fingerprintBytes = 1 << 16;

export function fingerprintOf(bytes: Uint8Array): Fingerprint {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * The position of the log that begins with these bytes; undefined for a new one.
 * @param head the first `fingerprintBytes` bytes, or all there are
 */
export function positionOf(
  head: Uint8Array,
  known: readonly SourcePosition[],
): SourcePosition | undefined {
  const hashes = new Map<number, string>();
  let found: SourcePosition | undefined;
  for (const position of known) {
    const { bytes, sha256 } = position.head;
    if (bytes > head.length || bytes < (found?.head.bytes ?? 1)) continue;
    const hash = hashes.get(bytes) ?? fingerprintOf(head.subarray(0, bytes)).sha256;
    hashes.set(bytes, hash);
    if (hash === sha256) found = position;
  }
  return found;
}

/** Fingerprint of the last bytes of a text. */
export class LastBytes {
  /** The last bytes, and some before. */
  readonly #bytes = Buffer.allocUnsafe(2 * fingerprintBytes);
  #length = 0;

  /** @param chunk the next bytes; not retained */
  write(chunk: Uint8Array): void {
    const last = chunk.subarray(-fingerprintBytes);
    if (this.#length + last.length > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#length - fingerprintBytes, this.#length);
      this.#length = fingerprintBytes;
    }
    this.#bytes.set(last, this.#length);
    this.#length += last.length;
  }

  get fingerprint(): Fingerprint {
    const from = Math.max(0, this.#length - fingerprintBytes);
    return fingerprintOf(this.#bytes.subarray(from, this.#length));
  }
}
