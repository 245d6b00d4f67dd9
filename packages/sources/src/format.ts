/**
 * What a log format is: how to read a line, which moment of a request its time marks, and the
 * resolution of its clock.
 *
 * A parser gets a line as bytes, [from, to) without the line end, and creates no string from it. It
 * remembers what earlier lines said, such as the columns of a header.
 */
import type { Moment } from '@reto3/core';
import type { Request } from './request.ts';
import { Instant } from './time/instant.ts';
import type { Zone } from './time/zone.ts';

/** Why a line is not a message. */
export type Reason =
  | 'a blank line'
  | 'a header or comment'
  | 'no request of this format'
  | 'no header above it'
  | 'no time that can be read'
  | 'a time out of range'
  | 'another metric'
  | 'a sum of other lines'
  | 'part of a longer line'
  | 'a length of more than 1 MiB';

/** When a request was, according to its line. Reused from line to line. */
export class Stamp {
  /** The moment that the format logs. */
  readonly time = new Instant();
  readonly duration = new Instant();
  hasDuration = false;
}

export interface LineParser {
  /** Reads a line into `stamp`; returns why it is not a message, or undefined if it is. */
  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined;
  /** Fills in the cleared `request` from the message parsed last. */
  describe(bytes: Uint8Array, from: number, to: number, request: Request): void;
}

export interface ParserOptions {
  /** For times without one. */
  readonly zone: Zone;
  /** The user named the format, so similar formats need not be ruled out. */
  readonly isNamed: boolean;
  /** When a run with relative times began, epoch ms. */
  readonly startMs: number | undefined;
  /** `describe` will be called. */
  readonly isDescribed?: boolean;
}

export interface LogFormat {
  readonly name: string;
  /** The program that writes it, for people. */
  readonly title: string;
  readonly example: string;
  /** Resolution of its clock, for people. */
  readonly resolution: string;
  /** Which moment its time marks. */
  readonly moment: Moment;
  /** Times count from the start of the run, which `--start` must name. */
  readonly isRelative?: boolean;
  /** A line depends on those before it, such as a header. */
  readonly isStateful?: boolean;
  /** Also reads the lines of more special formats. */
  readonly isGeneral?: boolean;
  /** Describes whole lines, with everything that a wrapper would remove. */
  readonly isWholeLine?: boolean;
  parser(options: ParserOptions): LineParser;
}
