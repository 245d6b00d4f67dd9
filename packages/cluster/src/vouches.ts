/**
 * From when on which boot of a node counts.
 *
 * A server that starts anew may have less than its predecessor published: its last second was not
 * on the disk yet, or its folder is an older copy. So each boot says from when on it vouches for
 * everything, and what earlier boots published of that time is void, also for seconds that the new
 * one does not have at all.
 *
 * Invariant: the set of these words only grows in meaning, so it is the same in whatever order,
 * and however often, they come.
 */
interface Vouch {
  readonly boot: number;
  /** Epoch ms. */
  readonly from: number;
}

export class Vouches {
  /** Rising in both; one that says nothing more than another is left out. */
  #steps: Vouch[];

  constructor(steps: readonly Vouch[] = []) {
    this.#steps = [...steps];
  }

  get steps(): readonly Vouch[] {
    return this.#steps;
  }

  /** Whether that boot has said so, or more, before. */
  has(boot: number, from: number): boolean {
    return this.#steps.some((step) => step.boot >= boot && step.from <= from);
  }

  /** Returns whether it says anything new. */
  add(boot: number, from: number): boolean {
    if (this.has(boot, from)) return false;
    this.#steps = this.#steps.filter((step) => step.boot > boot || step.from < from);
    this.#steps.push({ boot, from });
    this.#steps.sort((a, b) => a.from - b.from);
    return true;
  }

  /** The earliest boot that counts at that time, epoch ms; 0 where all do. */
  leastBoot(timeMs: number): number {
    // Nearly always it is the newest.
    for (let at = this.#steps.length - 1; at >= 0; at--) {
      const step = this.#steps[at];
      if (step !== undefined && step.from <= timeMs) return step.boot;
    }
    return 0;
  }

  /** Forgets what only matters for time before that, epoch ms. */
  forget(beforeMs: number): void {
    const at = this.#steps.findLastIndex((step) => step.from <= beforeMs);
    if (at > 0) this.#steps.splice(0, at);
  }
}
