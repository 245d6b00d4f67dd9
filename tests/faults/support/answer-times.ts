/** When answers arrived, in order. */

export class AnswerTimes {
  /** Two columns: the number of answers so far, and when they arrived. */
  readonly #through: number[] = [];
  readonly #times: number[] = [];
  #answers = 0;

  /** Records answers that have just arrived. */
  add(answers: number): void {
    this.#answers += answers;
    this.#through.push(this.#answers);
    this.#times.push(performance.now());
  }

  /** The time of the nth answer, counted from 1, by `performance.now`. */
  at(nth: number): number {
    const index = this.#through.findIndex((through) => through >= nth);
    return this.#times[index] ?? Number.POSITIVE_INFINITY;
  }
}
