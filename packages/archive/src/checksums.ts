/**
 * CRC-32 of any range of a buffer at bounded cost: all ranges together read each byte once, and
 * each range reads less than 2 KiB more.
 *
 * Clients choose the content of a segment, and may put any number of fake batch headers with
 * distant ends into it. Computing each CRC from the start would take quadratic time.
 *
 * A CRC is linear: crc(from, to) is the CRC of the first `to` bytes, xored with that of the first
 * `from` bytes times x^(8 × (to − from)), modulo the polynomial (like crc32_combine() of zlib).
 */
import { crc32 } from 'node:zlib';

/** CRC-32 without x^32; the highest bit is x^0. */
const polynomial = 0xedb8_8320;
/** The distance between the stored CRCs of prefixes. */
const stepBytes = 1_024;

export class Checksums {
  readonly #bytes: Uint8Array;
  /** The CRCs of the first 0, 1, 2 … steps. */
  readonly #sums: number[] = [0];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The CRC-32 of the bytes [from, to). */
  of(from: number, to: number): number {
    if (to - from <= 2 * stepBytes) return crc32(this.#bytes.subarray(from, to));
    return (this.#first(to) ^ multiply(this.#first(from), powerOf(to - from))) >>> 0;
  }

  /** The CRC-32 of the first `count` bytes. */
  #first(count: number): number {
    const step = Math.floor(count / stepBytes);
    while (this.#sums.length <= step) {
      const end = this.#sums.length * stepBytes;
      this.#sums.push(crc32(this.#bytes.subarray(end - stepBytes, end), this.#sums.at(-1)));
    }
    return crc32(this.#bytes.subarray(step * stepBytes, count), this.#sums[step]);
  }
}

/** The product of two polynomials, modulo CRC-32's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 0x8000_0000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product;
}

/** x^8, x^16, x^32 …: the factors that append 1, 2, 4 … zero bytes. */
const powers = [0x0080_0000];
for (let exponent = 1; exponent < 32; exponent++) {
  const half = powers[exponent - 1] ?? 0;
  powers.push(multiply(half, half));
}

/** x^(8 × bytes). */
function powerOf(bytes: number): number {
  let product = 0x8000_0000;
  for (let exponent = 0; exponent < powers.length; exponent++)
    if (((bytes >>> exponent) & 1) === 1) product = multiply(product, powers[exponent] ?? 0);
  return product;
}
