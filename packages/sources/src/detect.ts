/**
 * Finds the format of a log from its first lines: each format reads them, bare and in each wrapper
 * that fits, and the one with the most messages wins; among equals, the first of the lists, but a
 * format of whole lines bare. A general format must find twice as many as a special one, whose lines
 * it often reads as well.
 */

import { copyOf } from './bytes.ts';
import type { LineParser, LogFormat, ParserOptions } from './format.ts';
import { Stamp } from './format.ts';
import { type Wrapper, wrappers } from './wrappers.ts';

/** What fits some lines best. */
export interface Fit {
  readonly format: LogFormat;
  /** Undefined for bare lines. */
  readonly wrapper: Wrapper | undefined;
  readonly messages: number;
  /** The most digits behind the second in any time. */
  readonly digits: number;
  /** Every message has a duration. */
  readonly hasDurations: boolean;
}

/** Copies of lines, without line ends. */
export type Sample = readonly Uint8Array[];

/** @param candidates formats to try, best first */
export function fitOf(
  sample: Sample,
  candidates: readonly LogFormat[],
  options: ParserOptions,
): Fit | undefined {
  const ways = wrappers
    .map((wrapper) => ({ wrapper, lines: unwrapped(sample, wrapper) }))
    .filter(({ lines }) => lines.length > 0);
  let best: Fit | undefined;
  for (const { wrapper, lines } of ways) {
    for (const format of candidates) {
      const fit = { format, wrapper, ...tried(lines, format.parser(options)) };
      if (fit.messages > 0 && isBetter(fit, best)) best = fit;
    }
  }
  return best;
}

function isBetter(fit: Fit, best: Fit | undefined): boolean {
  if (best === undefined) return true;
  const more = weightOf(fit) - weightOf(best);
  return more > 0 || (more === 0 && fit.format.isWholeLine === true && fit.wrapper === undefined);
}

function weightOf({ format, messages }: Fit): number {
  return format.isGeneral ? messages : 2 * messages;
}

function unwrapped(sample: Sample, wrapper: Wrapper | undefined): Sample {
  if (wrapper === undefined) return sample;
  const lines: Uint8Array[] = [];
  const { unwrap } = wrapper.open();
  for (const line of sample)
    unwrap(line, 0, line.length, (bytes, from, to) => lines.push(copyOf(bytes, from, to)));
  return lines;
}

function tried(
  lines: Sample,
  parser: LineParser,
): Pick<Fit, 'messages' | 'digits' | 'hasDurations'> {
  const stamp = new Stamp();
  let messages = 0;
  let digits = 0;
  let durations = 0;
  for (const line of lines) {
    if (parser.parse(line, 0, line.length, stamp) !== undefined) continue;
    messages++;
    digits = Math.max(digits, stamp.time.digits);
    if (stamp.hasDuration) durations++;
  }
  return { messages, digits, hasDurations: durations === messages };
}
