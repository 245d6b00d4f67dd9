/**
 * The sample autocovariance of a series of any length, in bounded memory (G. E. P. Box, G. M.
 * Jenkins, Time Series Analysis, 1970, 2.1.5). It transforms each block with the one before it and
 * adds up the cross-spectra; one inverse transform then gives all lags (C. M. Rader, An improved
 * algorithm for high speed autocorrelation, IEEE Trans. Audio and Electroacoustics 18, 1970).
 *
 * Each block is centred on its own mean, which nearly removes variation slower than a block.
 * Missing values count as the mean.
 */
import { Fourier } from './fourier.ts';

export class Autocorrelation {
  readonly #fourier: Fourier;
  readonly #length: number;
  /** The block being filled: its number, its values, and 1 for each value that is present. */
  #block = 0;
  readonly #values: Float64Array;
  readonly #isPresent: Uint8Array;
  #filled = 0;
  /** The previous block, centred. */
  readonly #before: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #sumRe: Float64Array;
  readonly #sumIm: Float64Array;

  /** @param length of a block, a power of two; all lags are below it */
  constructor(length: number) {
    this.#fourier = new Fourier(2 * length);
    this.#length = length;
    this.#values = new Float64Array(length);
    this.#isPresent = new Uint8Array(length);
    this.#before = new Float64Array(length);
    this.#re = new Float64Array(2 * length);
    this.#im = new Float64Array(2 * length);
    this.#sumRe = new Float64Array(2 * length);
    this.#sumIm = new Float64Array(2 * length);
  }

  /** @param index in the series, ascending */
  add(index: number, value: number): void {
    const block = Math.floor(index / this.#length);
    if (block !== this.#block) {
      this.#endBlock();
      if (block !== this.#block + 1) this.#before.fill(0);
      this.#block = block;
    }
    const at = index - block * this.#length;
    this.#values[at] = value;
    this.#isPresent[at] = 1;
    this.#filled++;
  }

  /** Σ xₜ · xₜ₋ₖ for each lag k from 0 to length − 1. Call it once, after the last `add`. */
  end(): Float64Array {
    this.#endBlock();
    const [re, im] = [this.#re, this.#im];
    re.set(this.#sumRe);
    im.set(this.#sumIm);
    // Exchanging the real and imaginary parts makes it the inverse transform.
    this.#fourier.forward(im, re);
    return re.subarray(0, this.#length).map((sum) => sum / (2 * this.#length));
  }

  #endBlock(): void {
    const length = this.#length;
    const [re, im] = [this.#re, this.#im];
    let sum = 0;
    for (let at = 0; at < length; at++) if (this.#isPresent[at] === 1) sum += this.#values[at] ?? 0;
    const mean = this.#filled === 0 ? 0 : sum / this.#filled;
    re.set(this.#before);
    im.fill(0, 0, length);
    for (let at = 0; at < length; at++) {
      const value = this.#isPresent[at] === 1 ? (this.#values[at] ?? 0) - mean : 0;
      re[length + at] = value;
      im[length + at] = value;
      this.#before[at] = value;
    }
    this.#isPresent.fill(0);
    this.#filled = 0;
    this.#addSpectrum(re, im);
  }

  /** Adds the cross-spectrum of two real series, computed by one transform of re + i·im. */
  #addSpectrum(re: Float64Array, im: Float64Array): void {
    this.#fourier.forward(re, im);
    const { size } = this.#fourier;
    for (let k = 0; k < size; k++) {
      const mirrored = (size - k) % size;
      const firstRe = (re[k] ?? 0) + (re[mirrored] ?? 0);
      const firstIm = (im[k] ?? 0) - (im[mirrored] ?? 0);
      const secondRe = (im[k] ?? 0) + (im[mirrored] ?? 0);
      const secondIm = (re[mirrored] ?? 0) - (re[k] ?? 0);
      // Each spectrum is twice too large, so their product is four times too large.
      this.#sumRe[k] = (this.#sumRe[k] ?? 0) + (secondRe * firstRe + secondIm * firstIm) / 4;
      this.#sumIm[k] = (this.#sumIm[k] ?? 0) + (secondIm * firstRe - secondRe * firstIm) / 4;
    }
  }
}
