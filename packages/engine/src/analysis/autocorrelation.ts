/**
 * The sample autocovariance of a series of any length, in bounded memory: blocks are transformed as
 * they come, and their cross-spectra added up, so that one transform back gives all lags
 * (G. E. P. Box, G. M. Jenkins, Time Series Analysis, 1970, 2.1.5; for the blocks C. M. Rader, An
 * improved algorithm for high speed autocorrelation, IEEE Trans. Audio and Electroacoustics 18, 1970).
 *
 * Each block is centred on its own mean, so swings that are slower than a block hardly enter. Values
 * that are missing count as the mean.
 */
import { Fourier } from './fourier.ts';

export class Autocorrelation {
  readonly #fourier: Fourier;
  readonly #length: number;
  /** The block that is being filled: which one, its values, and which of them are there. */
  #block = 0;
  readonly #values: Float64Array;
  readonly #isThere: Uint8Array;
  #filled = 0;
  /** The block before it, centred. */
  readonly #before: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #sumRe: Float64Array;
  readonly #sumIm: Float64Array;

  /** @param length of a block, a power of two; lags are known below it */
  constructor(length: number) {
    this.#fourier = new Fourier(2 * length);
    this.#length = length;
    this.#values = new Float64Array(length);
    this.#isThere = new Uint8Array(length);
    this.#before = new Float64Array(length);
    this.#re = new Float64Array(2 * length);
    this.#im = new Float64Array(2 * length);
    this.#sumRe = new Float64Array(2 * length);
    this.#sumIm = new Float64Array(2 * length);
  }

  /** Takes a value; indices ascend. */
  add(index: number, value: number): void {
    const block = Math.floor(index / this.#length);
    if (block !== this.#block) {
      this.#endBlock();
      if (block !== this.#block + 1) this.#before.fill(0);
      this.#block = block;
    }
    const at = index - block * this.#length;
    this.#values[at] = value;
    this.#isThere[at] = 1;
    this.#filled++;
  }

  /** Σ xₜ · xₜ₋ₖ for each lag k from 0 to the length of a block, without it. Ends the series. */
  end(): Float64Array {
    this.#endBlock();
    const [re, im] = [this.#re, this.#im];
    re.set(this.#sumRe);
    im.set(this.#sumIm);
    // Real and imaginary part exchanged: the transform back.
    this.#fourier.forward(im, re);
    return re.subarray(0, this.#length).map((sum) => sum / (2 * this.#length));
  }

  #endBlock(): void {
    const length = this.#length;
    const [re, im] = [this.#re, this.#im];
    let sum = 0;
    for (let at = 0; at < length; at++) if (this.#isThere[at] === 1) sum += this.#values[at] ?? 0;
    const mean = this.#filled === 0 ? 0 : sum / this.#filled;
    re.set(this.#before);
    im.fill(0, 0, length);
    for (let at = 0; at < length; at++) {
      const value = this.#isThere[at] === 1 ? (this.#values[at] ?? 0) - mean : 0;
      re[length + at] = value;
      im[length + at] = value;
      this.#before[at] = value;
    }
    this.#isThere.fill(0);
    this.#filled = 0;
    this.#addSpectrum(re, im);
  }

  /** Adds the cross-spectrum of two real series, which one transform of re + i·im gives. */
  #addSpectrum(re: Float64Array, im: Float64Array): void {
    this.#fourier.forward(re, im);
    const { size } = this.#fourier;
    for (let k = 0; k < size; k++) {
      const mirrored = (size - k) % size;
      const firstRe = (re[k] ?? 0) + (re[mirrored] ?? 0);
      const firstIm = (im[k] ?? 0) - (im[mirrored] ?? 0);
      const secondRe = (im[k] ?? 0) + (im[mirrored] ?? 0);
      const secondIm = (re[mirrored] ?? 0) - (re[k] ?? 0);
      // Each is twice too large, and so their product four times.
      this.#sumRe[k] = (this.#sumRe[k] ?? 0) + (secondRe * firstRe + secondIm * firstIm) / 4;
      this.#sumIm[k] = (this.#sumIm[k] ?? 0) + (secondIm * firstRe - secondRe * firstIm) / 4;
    }
  }
}
