/**
 * Assigns numbers to texts, from 0: equal bytes get the same number. The same paths and addresses
 * recur throughout a log, and a number is faster to copy and compare than a string is to make.
 */

const firstSlots = 1 << 12;
const firstBytes = 1 << 16;
const basis = 0x811c9dc5;
const prime = 0x01000193;

export class Texts {
  /** A hash table with open addressing: 1 + number, or 0 if empty. At most half full. */
  #slots = new Uint32Array(firstSlots);
  #hashes = new Uint32Array(firstSlots / 2);
  /** The end of each text in `#bytes`; it starts where the previous one ends. */
  #ends = new Uint32Array(firstSlots / 2);
  #bytes = Buffer.allocUnsafe(firstBytes);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of the text in [from, to). */
  numberOf(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to);
    const mask = this.#slots.length - 1;
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const taken = this.#slots[slot] ?? 0;
      if (taken === 0) return this.#add(bytes, from, to, hash, slot);
      if (this.#hashes[taken - 1] === hash && this.#isText(taken - 1, bytes, from, to))
        return taken - 1;
    }
  }

  text(number: number): string {
    return this.#bytes.toString('utf8', this.#begin(number), this.#ends[number] ?? 0);
  }

  #begin(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  #isText(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const begin = this.#begin(number);
    if ((this.#ends[number] ?? 0) - begin !== to - from) return false;
    const known = this.#bytes;
    for (let at = from; at < to; at++) if (bytes[at] !== known[begin + at - from]) return false;
    return true;
  }

  #add(bytes: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const number = this.#count++;
    const begin = this.#begin(number);
    const end = begin + to - from;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * end);
      this.#bytes.copy(larger, 0, 0, begin);
      this.#bytes = larger;
    }
    for (let at = from; at < to; at++) this.#bytes[begin + at - from] = bytes[at] ?? 0;
    this.#slots[slot] = this.#count;
    this.#hashes[number] = hash;
    this.#ends[number] = end;
    if (this.#count === this.#ends.length) this.#grow();
    return number;
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      const hash = this.#hashes[number] ?? 0;
      let slot = (hash ^ (hash >>> 16)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
    this.#hashes = copyOf(this.#hashes, slots.length / 2);
    this.#ends = copyOf(this.#ends, slots.length / 2);
  }
}

/**
 * FNV-1a over four bytes at a time. A product carries its bits upwards only, so the upper half of each
 * is folded into the lower one.
 */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = basis;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, prime);
    hash ^= hash >>> 16;
  }
  for (; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), prime);
  return hash >>> 0;
}

function copyOf(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(length);
  copy.set(numbers);
  return copy;
}
