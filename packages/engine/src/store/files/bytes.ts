/** Reads the integers and byte strings of LevelDB's files. */

/** LevelDB did not write these bytes. */
export class BadBytes extends Error {}

export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new BadBytes('it ends too early');
    return byte;
  }

  /** A little-endian integer of 1 to 6 bytes. */
  fixed(bytes: number): number {
    return this.take(bytes).readUIntLE(0, bytes);
  }

  take(bytes: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + bytes);
    if (taken.length !== bytes) throw new BadBytes('it ends too early');
    this.#at += bytes;
    return taken;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}
