/**
 * Which log a text is, and where it was left: by its first bytes, so that it is the same under a new
 * name, compressed, or as a copy; and by the last bytes that were read, so that it is only gone on
 * with where it has not been changed.
 */
import { createHash } from 'node:crypto';
import type { Fingerprint, SourcePosition } from '@reto3/engine';

/** Hundreds of lines with their times: no two logs begin with the same ones. */
export const fingerprintBytes = 1 << 16;

export function fingerprintOf(bytes: Uint8Array): Fingerprint {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * The position of the log that begins with these bytes; undefined where it is new.
 * @param head as many bytes as `fingerprintBytes`, or all that there are
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

/** Keeps the fingerprint of the last bytes of a text. */
export class LastBytes {
  /** They, and some before them. */
  readonly #bytes = Buffer.allocUnsafe(2 * fingerprintBytes);
  #length = 0;

  /** @param chunk the next bytes; may change after that */
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
