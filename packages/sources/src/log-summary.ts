/** What reading one log found, as data. */
import type { Moment, PeriodName } from '@reto3/core';
import type { Span } from './active-time.ts';
import type { LogFormat, Reason } from './format.ts';
import type { SkippedLine } from './skipped-lines.ts';

export interface LogSummary {
  readonly name: string;
  readonly format: LogFormat;
  /** The name of what wraps its lines. */
  readonly wrapper: string | undefined;
  /** Which moment was counted. */
  readonly moment: Moment;
  /** Whether times without a zone were read as UTC, because the user named no zone. */
  readonly assumesUtc: boolean;
  /** Resolution of its clock; from 1,000 to less than 1. */
  readonly resolutionMs: number;
  readonly lines: number;
  readonly messages: number;
  readonly skipped: number;
  /** Lines counted before. */
  readonly known: number;
  readonly reasons: ReadonlyMap<Reason, number>;
  /** The first three skipped lines that need explaining. */
  readonly examples: readonly SkippedLine[];
  /** Title of another format, which skipped lines have. */
  readonly otherFormat: string | undefined;
  /** The time it covers, oldest first; at least one. */
  readonly spans: readonly Span[];
  /** From its oldest message to its newest, epoch ms, including known ones. */
  readonly times: Span;
  /** Messages counted by the other moment, because their lines have no duration. */
  readonly withoutDuration: number;
  /** Messages from the future. */
  readonly future: number;
  /** The largest step back of its times, in ms. */
  readonly stepBackMs: number;
  /** Only of an import: at most one for each period. */
  readonly hidden?: readonly Hidden[];
}

/** Messages that an import counted in time of which retention has deleted a period's windows. */
export interface Hidden {
  /** The period in which readers do not see them. */
  readonly period: PeriodName;
  readonly messages: number;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
}

/** One for each period. */
export function joinHidden(all: readonly Hidden[]): Hidden[] {
  const joined = new Map<PeriodName, Hidden>();
  for (const { period, ...more } of all) {
    const { messages, from, to } = joined.get(period) ?? { ...more, messages: 0 };
    joined.set(period, {
      period,
      messages: messages + more.messages,
      from: Math.min(from, more.from),
      to: Math.max(to, more.to),
    });
  }
  return [...joined.values()];
}

/** A duration in a fitting unit. */
export function durationText(ms: number): string {
  if (ms >= 1_000) return `${ms / 1_000} s`;
  if (ms >= 1) return `${ms} ms`;
  return ms >= 0.001 ? `${Math.round(ms * 1_000)} µs` : `${Math.round(ms * 1_000_000)} ns`;
}
