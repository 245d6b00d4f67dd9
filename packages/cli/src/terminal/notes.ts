/** Notes of a command in addition to its data: on stderr, or below a full-screen drawing. */
import { singleLine, terminalCell, timeText } from '@reto3/core';

/** Prints a line, given without its line feed. */
export type Say = (line: string) => void;

export function noteOnStderr(line: string): void {
  process.stderr.write(`reto3: ${singleLine(line)}\n`);
}

/** More lines would leave too little room for the drawing. */
const maxLines = 4;
const timeOfDay = ['YYYY-MM-DD '.length, 'YYYY-MM-DD HH:MM:SS'.length] as const;

/** The newest notes, for a full screen that output on stderr would disturb. */
export class Notes {
  #lines: readonly string[] = [];

  /** The notes, safe for a terminal, oldest first, each with its time (UTC). */
  get lines(): readonly string[] {
    return this.#lines;
  }

  readonly say: Say = (line) => {
    const note = terminalCell(`${timeText(Date.now()).slice(...timeOfDay)} ${line}`);
    this.#lines = [...this.#lines, note].slice(-maxLines);
  };
}
