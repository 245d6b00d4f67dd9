/** When each answer came, in the order in which they came. */

export class AnswerTimes {
  /** How many had come, and when, in two columns. */
  readonly #through: number[] = [];
  readonly #times: number[] = [];
  #answers = 0;

  /** So many came now. */
  add(answers: number): void {
    this.#answers += answers;
    this.#through.push(this.#answers);
    this.#times.push(performance.now());
  }

  /** When the nth answer came, from 1, by `performance.now`. */
  at(nth: number): number {
    const index = this.#through.findIndex((through) => through >= nth);
    return this.#times[index] ?? Number.POSITIVE_INFINITY;
  }
}
