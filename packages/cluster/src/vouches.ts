/**
 * Which boots of a node count, by time.
 *
 * A restarted server may have less than its predecessor published: its last second was not on disk,
 * or its folder is an older copy. So each boot says from when on it vouches for all counts. Whatever
 * earlier boots published of that time is void, including seconds that the new boot does not have.
 *
 * Invariant: adding is idempotent and commutative, so the order and repetition of messages do not
 * matter.
 */
interface Vouch {
  readonly boot: number;
  /** Epoch ms. */
  readonly from: number;
}

/** More starts than a server has in the time that is kept; each costs time and bytes. */
const mostSteps = 1_000;

export class Vouches {
  /** Rising in both, without those that others imply. */
  #steps: Vouch[];

  constructor(steps: readonly Vouch[] = []) {
    this.#steps = [...steps];
  }

  get steps(): readonly Vouch[] {
    return this.#steps;
  }

  /** Returns whether it voids anything new. */
  add(boot: number, from: number): boolean {
    if (this.#steps.some((step) => step.boot >= boot && step.from <= from)) return false;
    this.#steps = this.#steps.filter((step) => step.boot > boot || step.from < from);
    this.#steps.push({ boot, from });
    this.#steps.sort((a, b) => a.from - b.from);
    // What the oldest one voided is no longer in any stream.
    if (this.#steps.length > mostSteps) this.#steps.shift();
    return true;
  }

  /** The earliest boot that counts at that time, epoch ms; 0 if all do. */
  leastBoot(timeMs: number): number {
    return this.#steps.findLast(({ from }) => from <= timeMs)?.boot ?? 0;
  }

  /** Forgets what only concerns times before that, epoch ms. */
  forget(beforeMs: number): void {
    const at = this.#steps.findLastIndex((step) => step.from <= beforeMs);
    if (at > 0) this.#steps.splice(0, at);
  }
}
