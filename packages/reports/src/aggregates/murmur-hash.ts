/**
 * MurmurHash3 by A. Appleby (public domain), the 32-bit form for x86, over the UTF-16 units of a
 * text.
 */

/** A hash of 64 bits, filled in place, so that hashing a message allocates nothing. */
export interface Hash {
  high: number;
  low: number;
}

const [highSeed, lowSeed] = [0x9747b28c, 0x1b873593];

/** Fills `hash` with two independent hashes of 32 bits. */
export function hashOf(text: string, hash: Hash): void {
  hash.high = murmur(text, highSeed);
  hash.low = murmur(text, lowSeed);
}

function murmur(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 2) {
    let block = text.charCodeAt(index) | ((text.charCodeAt(index + 1) || 0) << 16);
    block = Math.imul(block, 0xcc9e2d51);
    block = (block << 15) | (block >>> 17);
    hash ^= Math.imul(block, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = Math.imul(hash, 5) + 0xe6546b64;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
