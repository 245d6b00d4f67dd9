/** What a command has to say beside its data: on stderr, or below what it draws on a whole screen. */
import { terminalCell, timeText } from '@reto3/core';

/** Takes one line, without a line feed. */
export type Say = (line: string) => void;

export function sayOnStderr(line: string): void {
  process.stderr.write(`reto3: ${line}\n`);
}

/** More would push aside what they are about. */
const mostKept = 4;
const timeOfDay = ['YYYY-MM-DD '.length, 'YYYY-MM-DD HH:MM:SS'.length] as const;

/** The newest lines for a screen, where stderr would write into the picture. */
export class Notes {
  #lines: readonly string[] = [];

  /** Safe for a terminal, oldest first, each with its time (UTC). */
  get lines(): readonly string[] {
    return this.#lines;
  }

  readonly say: Say = (line) => {
    const note = terminalCell(`${timeText(Date.now()).slice(...timeOfDay)} ${line}`);
    this.#lines = [...this.#lines, note].slice(-mostKept);
  };
}
