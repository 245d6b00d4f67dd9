/**
 * Tells the user about the connection of a follow: once when it is lost, however many attempts
 * fail, and once when it is back. Also tells which moment the logs that the server counts mark.
 */
import { type LogMoment, messageOf } from '@reto3/core';
import { noteMoment } from './moment.ts';
import { noteOnStderr, type Say } from './terminal/notes.ts';

export class Contact {
  readonly #url: string;
  readonly #say: Say;
  #lost = false;
  #moment: LogMoment | undefined;

  constructor(url: string, say: Say = noteOnStderr) {
    this.#url = url;
    this.#say = say;
  }

  lost(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#say(`lost the server at ${this.#url}, trying again: ${reasonOf(error)}`);
  }

  /** @param moment of the server's logs */
  connected(moment?: LogMoment): void {
    if (moment !== this.#moment) noteMoment(moment, this.#say);
    this.#moment = moment;
    if (!this.#lost) return;
    this.#lost = false;
    this.#say(`the server at ${this.#url} is back`);
  }
}

/**
 * Why a server does not answer. For our own errors it is the cause, which does not repeat the
 * address.
 */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return messageOf(cause) || messageOf(error);
}
