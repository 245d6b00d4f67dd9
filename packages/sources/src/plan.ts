/**
 * How a log is to be read: what the user said of it, the format that its first lines have, and
 * which moment of a request is counted.
 */
import { largestTime, Reto3Error } from '@reto3/core';
import { copyOf } from './bytes.ts';
import { type Fit, fitOf, type Sample } from './detect.ts';
import type { LogFormat, Moment, ParserOptions, Reason, Stamp } from './format.ts';
import { formats } from './formats/formats.ts';
import { patternFormat } from './formats/pattern.ts';
import { LineCutter } from './line-cutter.ts';
import { parseZone } from './time/zone.ts';

export interface LogOptions {
  /** A format's name; found out without it. */
  readonly format?: string | undefined;
  /** The moment to count; the start where it can be known without it. */
  readonly at?: string | undefined;
  readonly zone?: string | undefined;
  readonly pattern?: string | undefined;
  readonly timeFormat?: string | undefined;
  /** When a run with relative times began, epoch ms. */
  readonly startMs?: number | undefined;
}

/** As many bytes are looked at to find the format. */
export const sampleBytes = 1 << 18;
const maxSampleLines = 1_000;
/** Enough to tell where most of them fit. */
const quickSampleLines = 100;
export interface Plan {
  /** What it may be, best first. */
  readonly candidates: readonly LogFormat[];
  readonly at: Moment | undefined;
  readonly parser: ParserOptions;
}

export function plannedBy(options: LogOptions): Plan {
  const { format, at, zone = 'UTC', pattern, timeFormat, startMs } = options;
  if (at !== undefined && at !== 'start' && at !== 'end')
    throw new Reto3Error('RETO3_BAD_FLAG', `got --at "${at}", want start or end`);
  if (pattern !== undefined && format !== undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --pattern with --log-format, want one of them');
  if (timeFormat !== undefined && pattern === undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --time-format without --pattern');
  return {
    candidates: pattern === undefined ? candidatesOf(format) : [patternFormat(pattern, timeFormat)],
    at,
    parser: { zone: parseZone(zone), startMs, isNamed: format !== undefined },
  };
}

function candidatesOf(name: string | undefined): readonly LogFormat[] {
  if (name === undefined) return formats;
  const format = formats.find((each) => each.name === name);
  if (format !== undefined) return [format];
  throw new Reto3Error('RETO3_BAD_FLAG', `there is no log format "${name}"`, {
    hint: `want one of ${formats.map((each) => each.name).join(', ')}`,
  });
}

/** Which way from the stamp to the moment that is counted. */
export type Way = 'as stamped' | 'back' | 'forward';

/**
 * @param name of the log, for the message
 * @throws Reto3Error RETO3_BAD_FLAG
 */
export function wayOf(
  name: string,
  { format, digits, hasDurations }: Fit,
  { at, parser }: Pick<Plan, 'at' | 'parser'>,
): Way {
  if (format.isRelative && parser.startMs === undefined)
    throw new Reto3Error(
      'RETO3_BAD_FLAG',
      `the times of ${name} count from the begin of the run (${format.title}), which the file does not say`,
      { hint: 'say when it began, as in --start 2016-05-28T11:11:11Z' },
    );
  const wanted = at ?? 'start';
  if (wanted === format.moment) return 'as stamped';
  // A second minus a few milliseconds may be in either of two seconds.
  const canTell = hasDurations && digits >= 2;
  if (canTell) return wanted === 'start' ? 'back' : 'forward';
  if (at === undefined) return 'as stamped';
  const why = digits >= 2 ? 'has no duration in each line' : 'has a clock that ticks in seconds';
  throw new Reto3Error(
    'RETO3_BAD_FLAG',
    `got --at ${at}, but ${name} (${format.title}) stamps the ${format.moment} and ${why}`,
    { hint: `leave out --at, to count the ${format.moment}` },
  );
}

/** The moment that is counted. */
export function momentOf(format: LogFormat, way: Way): Moment {
  if (way === 'as stamped') return format.moment;
  return way === 'back' ? 'start' : 'end';
}

/** The time to count a message at, epoch ms; or why it has none. */
export function countedTime({ time, duration, hasDuration }: Stamp, way: Way): number | Reason {
  let { ms } = time;
  if (way !== 'as stamped') {
    if (!hasDuration) return 'no duration';
    if (way === 'back') {
      ms -= duration.ms;
      if (time.ns < duration.ns) ms--;
    } else {
      ms += duration.ms;
      if (time.ns + duration.ns >= 1_000_000) ms++;
    }
  }
  return ms >= 0 && ms <= largestTime ? ms : 'a time out of range';
}

/** What fits a log: seen from a few lines, and from all of the sample only where those are unclear. */
export function quickFitOf(
  sample: Sample,
  candidates: readonly LogFormat[],
  options: ParserOptions,
): Fit | undefined {
  const few = sample.slice(0, quickSampleLines);
  const fit = fitOf(few, candidates, options);
  const isClear = fit !== undefined && 2 * fit.messages >= few.length;
  return fitOf(sample, isClear ? [fit.format] : candidates, options);
}

/** The one format that was named, for a log of which no line at its begin has it. */
export function onlyOf([format, ...others]: readonly LogFormat[]): Fit | undefined {
  if (format === undefined || others.length > 0) return undefined;
  return { format, wrapper: undefined, messages: 0, digits: 0, hasDurations: false };
}

export function sampleOf(first: Buffer): Sample {
  const lines: Uint8Array[] = [];
  const cutter = new LineCutter(
    (bytes, from, to) => {
      if (lines.length < maxSampleLines) lines.push(copyOf(bytes, from, to));
    },
    () => undefined,
  );
  cutter.write(first);
  cutter.end();
  return lines;
}
