/** What was found in one log, as data. */
import type { Span } from './active-time.ts';
import type { LogFormat, Moment, Reason } from './format.ts';
import type { SkippedLine } from './skipped-lines.ts';

export interface LogSummary {
  readonly name: string;
  readonly format: LogFormat;
  /** What stood around its lines. */
  readonly wrapper: string | undefined;
  /** Which moment was counted. */
  readonly moment: Moment;
  /** How finely its clock ticks; 1,000 or less than 1, too. */
  readonly resolutionMs: number;
  readonly lines: number;
  readonly messages: number;
  readonly skipped: number;
  /** Lines that were counted before. */
  readonly known: number;
  readonly reasons: ReadonlyMap<Reason, number>;
  /** The first three skipped lines that are not blank, headers or the like. */
  readonly examples: readonly SkippedLine[];
  /** Another format that lines which are none of this one have. */
  readonly otherFormat: string | undefined;
  /** Where it counts, oldest first; at least one. */
  readonly spans: readonly Span[];
  /** Of its oldest message and its newest, epoch ms, also of those known. */
  readonly times: Span;
  /** Messages whose time is later than now. */
  readonly future: number;
  /** By how much the times of the log step back at the most, in ms. */
  readonly stepBackMs: number;
}

/** A length of time in the unit that suits it. */
export function durationText(ms: number): string {
  if (ms >= 1_000) return `${ms / 1_000} s`;
  if (ms >= 1) return `${ms} ms`;
  return ms >= 0.001 ? `${Math.round(ms * 1_000)} µs` : `${Math.round(ms * 1_000_000)} ns`;
}
