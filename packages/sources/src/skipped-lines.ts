/** The skipped lines of one log: counts by reason, examples, and whether they have another format. */
import { copyOf } from './bytes.ts';
import { fitOf } from './detect.ts';
import { dull, exampleOf, maxExamples } from './examples.ts';
import type { LogFormat, ParserOptions, Reason } from './format.ts';
import { formats } from './formats/formats.ts';

export interface SkippedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: Reason;
  readonly text: string;
}

/** Kept to detect another format. */
const maxOthers = 64;

export class SkippedLines {
  readonly reasons = new Map<Reason, number>();
  /** The first three that need explaining. */
  readonly examples: SkippedLine[] = [];
  readonly #others: Uint8Array[] = [];

  /** @param line its number, from 1 */
  add(line: number, reason: Reason, bytes: Uint8Array, from: number, to: number): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    if (dull.has(reason)) return;
    if (this.#others.length < maxOthers) this.#others.push(copyOf(bytes, from, to));
    if (this.examples.length < maxExamples)
      this.examples.push({ line, reason, text: exampleOf(bytes, from, to) });
  }

  /** Title of the skipped lines' format, if it is another than the log's. */
  otherFormat(own: LogFormat, options: ParserOptions): string | undefined {
    const other = fitOf(this.#others, formats, { ...options, isNamed: false })?.format;
    return other === own ? undefined : other?.title;
  }
}
