/** Mistakes in the code that a server survives. The log has each once, with its stack. */
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** A message may name what it failed on, and so be new each time. */
const mostLogged = 100;

export class Mistakes {
  readonly #log: Pick<Log, 'error'>;
  readonly #logged = new Set<string>();

  constructor(log: Pick<Log, 'error'>) {
    this.#log = log;
  }

  /** @param failed what went wrong: "cannot <verb> <thing>" */
  add(error: unknown, failed: string): void {
    const text = `a bug in reto3: ${failed}: ${messageOf(error)}`;
    if (this.#logged.has(text) || this.#logged.size === mostLogged) return;
    this.#logged.add(text);
    this.#log.error({ err: error }, text);
  }
}
