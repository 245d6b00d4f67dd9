/**
 * Varints up to 2⁵³ − 1 (LEB128, as in DWARF and Protocol Buffers) and length-prefixed bytes: the
 * encoding of report rows and of the built-in reports.
 */

export class VarintWriter {
  #bytes: Buffer = Buffer.allocUnsafe(64);
  #length = 0;

  /** A whole number from 0 to 2⁵³ − 1. */
  number(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`got ${value}, want a whole number from 0 to 2^53 - 1`);
    this.#reserve(8);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128))
      this.#bytes[this.#length++] = (rest % 128) | 128;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Length-prefixed bytes. */
  bytes(value: Uint8Array): this {
    this.number(value.length).#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Length-prefixed UTF-8. */
  text(value: string): this {
    if (this.#writesShortAscii(value)) return this;
    const length = Buffer.byteLength(value);
    this.number(length).#reserve(length);
    this.#bytes.write(value, this.#length);
    this.#length += length;
    return this;
  }

  /** Begins anew, in the same memory: what `end` gave is overwritten. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** Most keys of reports are; calling `Buffer` for each takes three times as long. */
  #writesShortAscii(value: string): boolean {
    const { length } = value;
    if (length >= 128) return false;
    this.#reserve(1 + length);
    let end = this.#length;
    this.#bytes[end++] = length;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 128) return false;
      this.#bytes[end++] = code;
    }
    this.#length = end;
    return true;
  }

  /** All bytes written. */
  end(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

export class VarintReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** @throws RangeError if the bytes end too early or the number exceeds 2⁵³ − 1 */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('got too few bytes');
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) throw new RangeError('got a number above 2^53 - 1');
      if (byte < 128) return value;
    }
  }

  /** Length-prefixed bytes. @throws RangeError if the bytes end too early */
  bytes(): Uint8Array {
    const length = this.number();
    const at = this.#at;
    this.#skip(length);
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + at, length);
  }

  /** Length-prefixed UTF-8. @throws RangeError if the bytes end too early */
  text(): string {
    const length = this.number();
    const at = this.#at;
    this.#skip(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new RangeError('got too few bytes');
    this.#at += length;
  }
}
