/**
 * Exact quantiles of counts: how often each count came. As large as there are different counts, a
 * few thousand at most, however long the series is.
 */
export class CountQuantiles {
  readonly #times = new Map<number, number>();
  #windows = 0;

  add(count: number): void {
    this.#windows++;
    this.#times.set(count, (this.#times.get(count) ?? 0) + 1);
  }

  /**
   * The smallest count that at least the share `q` of the windows does not exceed (nearest rank);
   * 0 where there is no window. `shares` ascend, 0 to 1.
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
