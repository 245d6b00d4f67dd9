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

/** Keeps the fingerprints of a text that is read from its begin. */
export class Fingerprints {
  readonly #head = Buffer.allocUnsafe(fingerprintBytes);
  #headBytes = 0;
  /** The last bytes, and some before them. */
  readonly #end = Buffer.allocUnsafe(2 * fingerprintBytes);
  #endBytes = 0;

  /** @param chunk the next bytes; may change after that */
  write(chunk: Uint8Array): void {
    const head = chunk.subarray(0, fingerprintBytes - this.#headBytes);
    this.#head.set(head, this.#headBytes);
    this.#headBytes += head.length;
    const last = chunk.subarray(-fingerprintBytes);
    if (this.#endBytes + last.length > this.#end.length) {
      this.#end.copyWithin(0, this.#endBytes - fingerprintBytes, this.#endBytes);
      this.#endBytes = fingerprintBytes;
    }
    this.#end.set(last, this.#endBytes);
    this.#endBytes += last.length;
  }

  get head(): Fingerprint {
    return fingerprintOf(this.#head.subarray(0, this.#headBytes));
  }

  /** Of the last bytes so far. */
  get end(): Fingerprint {
    const from = Math.max(0, this.#endBytes - fingerprintBytes);
    return fingerprintOf(this.#end.subarray(from, this.#endBytes));
  }
}
