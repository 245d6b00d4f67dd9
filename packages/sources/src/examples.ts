/** Which skipped lines a report or a log shows as examples, and how much of them. */
import type { Reason } from './format.ts';

/** Of each file. */
export const maxExamples = 3;
/** Bytes of a line. */
const longestExample = 120;

/** The text of a line, cut where it is long. */
export function exampleOf(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, from + longestExample);
  return Buffer.from(bytes.subarray(from, end)).toString() + (end < to ? '…' : '');
}

/** @param text of the line; empty where none is kept */
export function skippedText(reason: Reason, text: string): string {
  return text === '' ? reason : `${reason}: ${text}`;
}

/** Reasons that no example explains. */
export const dull: ReadonlySet<Reason> = new Set<Reason>([
  'a blank line',
  'a header or comment',
  'another metric',
  'a sum of other lines',
  'part of a longer line',
]);
