/**
 * Windows that were counted only in part, as at a start. JSON and NDJSON mark each one; text and CSV
 * have no room for marks, so their end record lists them, and the command line says so.
 */
import type { FormatName } from './format.ts';

/** In bounded size, since a server may restart any number of times. */
export interface PartlyCounted {
  /** Starts of the first 100 windows, epoch ms. */
  readonly partial: readonly number[];
  /** The number of all of them. */
  readonly partialWindows: number;
}

const maxListed = 100;

export const formatsWithoutMarks: ReadonlySet<FormatName> = new Set(['text', 'csv']);

export class PartialWindows implements PartlyCounted {
  readonly #starts: number[] = [];
  #count = 0;

  /** @param start of the window, epoch ms; each window once */
  add(start: number): void {
    this.#count++;
    if (this.#starts.length < maxListed) this.#starts.push(start);
  }

  get partial(): readonly number[] {
    return this.#starts;
  }

  get partialWindows(): number {
    return this.#count;
  }
}

/** The fields of an answer about them. */
export function partialOf({ partial, partialWindows }: PartlyCounted): PartlyCounted {
  return { partial, partialWindows };
}
