/** Which skipped lines are shown as examples, and how much of each. */
import type { Reason } from './format.ts';

/** Per file. */
export const maxExamples = 3;
/** Bytes per line. */
const longestExample = 120;

/** The text of a line, truncated if long. */
export function exampleOf(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, from + longestExample);
  return Buffer.from(bytes.subarray(from, end)).toString() + (end < to ? '…' : '');
}

/** @param text of the line; may be empty */
export function skippedText(reason: Reason, text: string): string {
  return text === '' ? reason : `${reason}: ${text}`;
}

/** Reasons that need no example. */
export const dull: ReadonlySet<Reason> = new Set<Reason>([
  'a blank line',
  'a header or comment',
  'another metric',
  'a sum of other lines',
  'part of a longer line',
]);
