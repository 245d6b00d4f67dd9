/**
 * The state machine of one rule, fed with windows as they become final. A gap neither fires nor
 * resolves an alert; it only interrupts a run of windows.
 */
import { type Condition, holds, type Rule, watchesHigh } from './rule.ts';

/** The time from the first window that met the rule until it resolved, or until now. */
export interface Episode {
  /** Start of the first window of the run that fired, epoch ms. */
  readonly from: number;
  /** End of the newest window, epoch ms. */
  readonly to: number;
  /** The number of counted windows in this time, and of their messages. */
  readonly windows: number;
  readonly messages: number;
  /** The window furthest beyond the bound, with the highest or the lowest count. */
  readonly worst: { readonly start: number; readonly count: number };
}

export type Change = { readonly status: 'firing' | 'resolved'; readonly episode: Episode };

interface Window {
  readonly start: number;
  readonly count: number;
  readonly partial: boolean;
}

function meets({ count, partial }: Window, condition: Condition): boolean {
  return holds(condition, count) && !(partial && condition.comparison.startsWith('<'));
}

export class Watch {
  readonly rule: Rule;
  #firing = false;
  /** How many consecutive windows meet the pending condition: to fire, or to resolve. */
  #run = 0;
  #episode: Episode | undefined;
  #next = 0;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  get firing(): boolean {
    return this.#firing;
  }

  /**
   * Takes the next window. The count of a partial window is a lower bound, so it may meet a condition
   * with `>`, but never one with `<`.
   * @param start epoch ms
   * @param count undefined in a gap
   */
  take(start: number, count: number | undefined, partial = false): Change | undefined {
    // After a clock step, windows are not contiguous and start a new run.
    if (start !== this.#next || count === undefined) this.#run = 0;
    this.#next = start + this.rule.period.windowMs;
    if (count === undefined) return undefined;
    const window = { start, count, partial };
    return this.#firing ? this.#whileFiring(window) : this.#whileQuiet(window);
  }

  /** Called if the next window does not follow the last one. */
  interrupt(): void {
    this.#run = 0;
  }

  #whileQuiet(window: Window): Change | undefined {
    if (!meets(window, this.rule.fires)) {
      this.#run = 0;
      return undefined;
    }
    if (this.#run === 0) this.#episode = undefined;
    const episode = this.#add(window);
    this.#run++;
    if (this.#run < this.rule.fires.windows) return undefined;
    this.#firing = true;
    this.#run = 0;
    return { status: 'firing', episode };
  }

  #whileFiring(window: Window): Change | undefined {
    const episode = this.#add(window);
    this.#run = meets(window, this.rule.ends) ? this.#run + 1 : 0;
    if (this.#run < this.rule.ends.windows) return undefined;
    this.#firing = false;
    this.#run = 0;
    return { status: 'resolved', episode };
  }

  #add({ start, count, partial }: Window): Episode {
    const to = start + this.rule.period.windowMs;
    const before = this.#episode ?? {
      from: start,
      windows: 0,
      messages: 0,
      worst: { start, count },
    };
    const isWorse = watchesHigh(this.rule)
      ? count > before.worst.count
      : count < before.worst.count && !partial;
    this.#episode = {
      from: before.from,
      to,
      windows: before.windows + 1,
      messages: before.messages + count,
      worst: isWorse ? { start, count } : before.worst,
    };
    return this.#episode;
  }
}
