/**
 * A read that stays open while the server goes on: it finds what there was when it began, or fails
 * because the store was reopened.
 */
import { type Chunk, type Period, totalOf } from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks } from '../query/chunks.ts';
import { codeOf } from '../store/database-failure.ts';
import { allTime } from '../store/store.ts';
import { Violation } from './violation.ts';

export class OpenRead {
  readonly #view: CountsView;
  readonly #period: Period;
  readonly #want: number;
  readonly #chunks: AsyncGenerator<Chunk>;
  #found = 0;

  /** @param want how many messages the view has */
  constructor(view: CountsView, period: Period, want: number) {
    this.#view = view;
    this.#period = period;
    this.#want = want;
    this.#chunks = readChunks(view, period, allTime);
  }

  /** Reads up to so many blocks. Returns whether there are more. @throws Violation */
  async readOn(blocks: number): Promise<boolean> {
    for (let block = 0; block < blocks; block++) {
      const next = await this.#next();
      if (next === 'interrupted') return false;
      if (next === undefined) {
        if (this.#found === this.#want) return false;
        const what = `an open read of ${this.#period.name}`;
        throw new Violation(`${what} adds up to ${this.#found}, want ${this.#want}`);
      }
      this.#found += totalOf(next.windows);
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#view.store.close();
  }

  async #next(): Promise<Chunk | undefined | 'interrupted'> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      if (codeOf(error) === 'RETO3_STORE_FAILING') return 'interrupted';
      throw error;
    }
  }
}
