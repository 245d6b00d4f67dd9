/**
 * CRC-32 of any stretch of some bytes, at a bounded price: each byte is summed once for all stretches,
 * and less than 2 KiB more for each of them.
 *
 * Clients choose the bytes of a segment, and may put into them any number of headers of batches that
 * would end far away: to sum each of those anew would take time in proportion to the square of the
 * segment's length.
 *
 * A CRC is linear. With the sum of the first `from` bytes and that of the first `to` bytes, the sum of
 * what lies between is the second, xored with the first after as many zero bytes as lie between:
 * the first times x^(8 × bytes), modulo the polynomial (as crc32_combine() of zlib).
 */
import { crc32 } from 'node:zlib';

/** Of CRC-32, without x^32; the bit for x^0 is the highest. */
const polynomial = 0xedb8_8320;
/** Sums are kept this far apart: 4 bytes for each of 1,024. */
const stepBytes = 1_024;

export class Checksums {
  readonly #bytes: Uint8Array;
  /** Of the first 0, 1, 2 … steps. */
  readonly #sums: number[] = [0];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The CRC-32 of the bytes [from, to). */
  of(from: number, to: number): number {
    if (to - from <= 2 * stepBytes) return crc32(this.#bytes.subarray(from, to));
    return (this.#first(to) ^ multiply(this.#first(from), powerOf(to - from))) >>> 0;
  }

  /** The CRC-32 of so many bytes from the beginning. */
  #first(count: number): number {
    const step = Math.floor(count / stepBytes);
    while (this.#sums.length <= step) {
      const end = this.#sums.length * stepBytes;
      this.#sums.push(crc32(this.#bytes.subarray(end - stepBytes, end), this.#sums.at(-1)));
    }
    return crc32(this.#bytes.subarray(step * stepBytes, count), this.#sums[step]);
  }
}

/** The product of two polynomials, modulo that of CRC-32. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 0x8000_0000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product;
}

/** x^8, x^16, x^32 …: what a sum is multiplied with for 1, 2, 4 … zero bytes. */
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
