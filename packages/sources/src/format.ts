/**
 * What a log format is: how it reads one line, which moment of a request its stamp marks, and how
 * finely its clock ticks.
 *
 * A parser gets a line as bytes, [from, to) without its line end, and makes no string of it. It
 * keeps what it learnt from earlier lines, such as the columns of a header.
 */
import type { Request } from './request.ts';
import { Instant } from './time/instant.ts';
import type { Zone } from './time/zone.ts';

/** Which moment of a request a time is of. */
export type Moment = 'start' | 'end';

/** Why a line is no message. */
export type Reason =
  | 'a blank line'
  | 'a header or comment'
  | 'no request of this format'
  | 'no header above it'
  | 'no time that can be read'
  | 'a time out of range'
  | 'no duration'
  | 'another metric'
  | 'a sum of other lines'
  | 'part of a longer line'
  | 'a length of more than 1 MiB';

/** What a line says of its request. Reused from line to line. */
export class Stamp {
  /** The moment that the format stamps. */
  readonly time = new Instant();
  readonly duration = new Instant();
  hasDuration = false;
}

export interface LineParser {
  /** Reads a line into `stamp`; returns why it is no message, or undefined where it is one. */
  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined;
  /** Sets what the message that was parsed last says of its request, which was cleared before. */
  describe(bytes: Uint8Array, from: number, to: number, request: Request): void;
}

export interface ParserOptions {
  /** Of times that name none. */
  readonly zone: Zone;
  /** The user named the format, so its lines need not be told from others. */
  readonly isNamed: boolean;
  /** When a log of relative times began, epoch ms. */
  readonly startMs: number | undefined;
  /** `describe` will be called, too. */
  readonly isDescribed?: boolean;
}

export interface LogFormat {
  readonly name: string;
  /** What writes it. */
  readonly title: string;
  readonly example: string;
  /** How finely its clock ticks, for people. */
  readonly resolution: string;
  /** Which moment its stamp marks. */
  readonly moment: Moment;
  /** Its times count from the start of the run, which `--start` has to name. */
  readonly isRelative?: boolean;
  /** What a line says depends on those before it, such as a header. */
  readonly isStateful?: boolean;
  /** Lines of more special formats are lines of this one, too. */
  readonly isGeneral?: boolean;
  parser(options: ParserOptions): LineParser;
}
