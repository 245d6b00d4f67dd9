/**
 * Messages that are missing in a report, because its code threw or had used up its time. A bad
 * message is counted and kept as an example, and the report continues with the next one.
 */
import { messageOf } from '@reto3/core';
import type { Message } from './contract.ts';

/** A message that a report failed on. */
interface ErrorExample {
  /** Its arrival, epoch ms. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The message of the error that the report threw. */
  readonly error: string;
}

/** The errors of one report, in all or since a worker's previous batch. */
export interface MessageErrors {
  /** Messages that it failed on. */
  readonly failed: number;
  /** Messages that skipped it because it was too slow. */
  readonly skipped: number;
  /** The newest messages that it failed on, oldest first. */
  readonly examples: readonly ErrorExample[];
}

/** Enough to see a pattern, and few enough to be stored with the facts of the report. */
const mostExamples = 10;
const mostErrorChars = 200;
const mostPathChars = 100;

/** A report may fail on 100 messages at once, and on 1 of 100 in the long run (a token bucket). */
const mostErrors = 100;
const messagesPerError = 100;

const none: MessageErrors = { failed: 0, skipped: 0, examples: [] };

/** The errors of one report in a worker. */
export class ErrorCount {
  #since: MessageErrors = none;
  #left = mostErrors;

  /** Call it for each message that the report took. */
  took(): void {
    if (this.#left < mostErrors) this.#left += 1 / messagesPerError;
  }

  skipped(): void {
    this.#since = { ...this.#since, skipped: this.#since.skipped + 1 };
  }

  /** @returns why the report must be switched off, if this was one error too many */
  failed({ arrivedMs, method, path }: Message, thrown: unknown): string | undefined {
    const error = shortLine(messageOf(thrown), mostErrorChars);
    const example = { at: arrivedMs, method, path: path.slice(0, mostPathChars), error };
    this.#since = addErrors(this.#since, { failed: 1, skipped: 0, examples: [example] });
    this.#left--;
    if (this.#left >= 0) return undefined;
    return `it failed on more than 1 of ${messagesPerError} messages, last: ${error}`;
  }

  /** Removes and returns the errors; undefined if there are none. */
  drain(): MessageErrors | undefined {
    const since = this.#since;
    this.#since = none;
    return since === none ? undefined : since;
  }
}

export function addErrors(before: MessageErrors | undefined, more: MessageErrors): MessageErrors {
  const { failed, skipped, examples } = before ?? none;
  return {
    failed: failed + more.failed,
    skipped: skipped + more.skipped,
    examples: [...examples, ...more.examples].slice(-mostExamples),
  };
}

/** Text of a report's code on one line of bounded length, since it is stored with the facts. */
export function shortLine(text: string, mostChars: number): string {
  return text.replace(/\s+/g, ' ').slice(0, mostChars);
}
