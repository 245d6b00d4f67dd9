/**
 * The discrete Fourier transform of 2ⁿ complex numbers, in place: iterative, radix 2 (J. W. Cooley,
 * J. W. Tukey, An algorithm for the machine calculation of complex Fourier series, Mathematics of
 * Computation 19, 1965). A plan holds the tables for one size; `Autocorrelation` reuses it.
 */

export class Fourier {
  readonly size: number;
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  /** Each index with its bits reversed. */
  readonly #reversed: Uint32Array;

  /** @param size a power of two, at least 2 */
  constructor(size: number) {
    const bits = Math.log2(size);
    if (!Number.isInteger(bits) || bits < 1)
      throw new TypeError(`got ${size}, want a power of two of at least 2`);
    this.size = size;
    const angles = Float64Array.from({ length: size / 2 }, (_, k) => (-2 * Math.PI * k) / size);
    this.#cosines = angles.map(Math.cos);
    this.#sines = angles.map(Math.sin);
    this.#reversed = new Uint32Array(size);
    for (let index = 1; index < size; index++) {
      const half = this.#reversed[index >> 1] ?? 0;
      this.#reversed[index] = (half >> 1) | ((index & 1) << (bits - 1));
    }
  }

  /** Replaces the input by Σ (re + i·im)ₜ · e^(−2πi·kt ÷ size) for each k. */
  forward(re: Float64Array, im: Float64Array): void {
    const { size } = this;
    for (let index = 0; index < size; index++) {
      const other = this.#reversed[index] ?? 0;
      if (other <= index) continue;
      swap(re, index, other);
      swap(im, index, other);
    }
    for (let half = 1; half < size; half *= 2) this.#merge(re, im, half);
  }

  /** Merges pairs of transforms of `half` numbers into transforms of 2 · `half`. */
  #merge(re: Float64Array, im: Float64Array, half: number): void {
    const step = this.size / (2 * half);
    for (let first = 0; first < this.size; first += 2 * half) {
      for (let k = 0; k < half; k++) {
        const cosine = this.#cosines[k * step] ?? 0;
        const sine = this.#sines[k * step] ?? 0;
        const even = first + k;
        const odd = even + half;
        const oddRe = re[odd] ?? 0;
        const oddIm = im[odd] ?? 0;
        const turnedRe = oddRe * cosine - oddIm * sine;
        const turnedIm = oddRe * sine + oddIm * cosine;
        const evenRe = re[even] ?? 0;
        const evenIm = im[even] ?? 0;
        re[odd] = evenRe - turnedRe;
        im[odd] = evenIm - turnedIm;
        re[even] = evenRe + turnedRe;
        im[even] = evenIm + turnedIm;
      }
    }
  }
}

function swap(values: Float64Array, a: number, b: number): void {
  const value = values[a] ?? 0;
  values[a] = values[b] ?? 0;
  values[b] = value;
}
