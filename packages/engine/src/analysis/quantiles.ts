/**
 * Exact quantiles of counts, from the number of windows with each count. Memory grows with the
 * number of different counts, at most a few thousand, not with the length of the series.
 */
export class CountQuantiles {
  readonly #times = new Map<number, number>();
  #windows = 0;

  add(count: number): void {
    this.#windows++;
    this.#times.set(count, (this.#times.get(count) ?? 0) + 1);
  }

  /**
   * For each share of windows, the smallest count that this share does not exceed (nearest rank); 0
   * without windows.
   * @param shares 0 to 1, ascending
   */
  at<const Shares extends readonly number[]>(shares: Shares): { [Index in keyof Shares]: number };
  at(shares: readonly number[]): number[] {
    const counts = [...this.#times].sort(([a], [b]) => a - b);
    let next = 0;
    let atMost = 0;
    let value = 0;
    return shares.map((share) => {
      const wanted = Math.max(1, Math.ceil(share * this.#windows));
      while (atMost < wanted && next < counts.length) {
        const [count, times] = counts[next++] ?? [0, 0];
        atMost += times;
        value = count;
      }
      return value;
    });
  }
}
