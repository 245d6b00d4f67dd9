/**
 * Holds one rule against the windows as they become final: when it begins to fire, and when that
 * ends. Time that was not counted says neither: it breaks a row of windows, and changes nothing
 * else.
 */
import { type Condition, holds, type Rule, watchesHigh } from './rule.ts';

/** From the first window that met the rule until it ended, or until now. */
export interface Episode {
  /** Start of the first window of the row that fired, epoch ms. */
  readonly from: number;
  /** End of the newest window that is taken in, epoch ms. */
  readonly to: number;
  /** Counted windows in that time, and their messages. */
  readonly windows: number;
  readonly messages: number;
  /** The window furthest beyond the bound: the highest count, or the lowest. */
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
  /** Windows in a row that meet what is waited for: the beginning, or the end. */
  #row = 0;
  #episode: Episode | undefined;
  #next = 0;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  get firing(): boolean {
    return this.#firing;
  }

  /**
   * Takes the next window. Of one that was counted only in part the count is a lower bound: it may
   * meet a condition that wants many, and never one that wants few.
   * @param start epoch ms
   * @param count undefined where nobody was counting
   */
  take(start: number, count: number | undefined, partial = false): Change | undefined {
    // Windows that do not join on to those before, after a step of the clock, are a new row.
    if (start !== this.#next || count === undefined) this.#row = 0;
    this.#next = start + this.rule.period.windowMs;
    if (count === undefined) return undefined;
    const window = { start, count, partial };
    return this.#firing ? this.#whileFiring(window) : this.#whileQuiet(window);
  }

  /** What comes next does not join on to what was. */
  interrupt(): void {
    this.#row = 0;
  }

  #whileQuiet(window: Window): Change | undefined {
    if (!meets(window, this.rule.fires)) {
      this.#row = 0;
      return undefined;
    }
    if (this.#row === 0) this.#episode = undefined;
    const episode = this.#add(window);
    this.#row++;
    if (this.#row < this.rule.fires.windows) return undefined;
    this.#firing = true;
    this.#row = 0;
    return { status: 'firing', episode };
  }

  #whileFiring(window: Window): Change | undefined {
    const episode = this.#add(window);
    this.#row = meets(window, this.rule.ends) ? this.#row + 1 : 0;
    if (this.#row < this.rule.ends.windows) return undefined;
    this.#firing = false;
    this.#row = 0;
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
