/**
 * How to read a log: what the user specified, the format of its first lines, and which moment of a
 * request to count.
 */
import { largestTime, type Moment, momentText, Reto3Error } from '@reto3/core';
import { copyOf } from './bytes.ts';
import { type Fit, fitOf, type Sample } from './detect.ts';
import type { LogFormat, ParserOptions, Reason, Stamp } from './format.ts';
import { formats } from './formats/formats.ts';
import { patternFormat } from './formats/pattern.ts';
import { LineCutter } from './line-cutter.ts';
import { parseZone } from './time/zone.ts';

export interface LogOptions {
  /** A format's name; detected by default. */
  readonly format?: string | undefined;
  /** The moment to count; by default the start if it can be known. */
  readonly at?: string | undefined;
  readonly zone?: string | undefined;
  readonly pattern?: string | undefined;
  readonly timeFormat?: string | undefined;
  /** When a run with relative times began, epoch ms. */
  readonly startMs?: number | undefined;
}

/** Bytes read to detect the format. */
export const sampleBytes = 1 << 18;
const maxSampleLines = 1_000;
/** Enough to decide if most of them fit one format. */
const quickSampleLines = 100;

export interface Plan {
  /** Formats to try, best first. */
  readonly candidates: readonly LogFormat[];
  readonly at: Moment | undefined;
  readonly parser: ParserOptions;
  /** Whether the user named the zone of times without one. */
  readonly isZoneNamed: boolean;
}

export function plannedBy(options: LogOptions): Plan {
  const { format, at, zone, pattern, timeFormat, startMs } = options;
  if (at !== undefined && at !== 'start' && at !== 'end')
    throw new Reto3Error('RETO3_BAD_FLAG', `got --at "${at}", want start or end`);
  if (pattern !== undefined && format !== undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --pattern with --log-format, want one of them');
  if (timeFormat !== undefined && pattern === undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --time-format without --pattern');
  return {
    candidates:
      pattern === undefined
        ? candidatesOf(format)
        : [patternFormat(pattern, timeFormat, startMs !== undefined)],
    at,
    parser: { zone: parseZone(zone ?? 'UTC'), startMs, isNamed: format !== undefined },
    isZoneNamed: zone !== undefined,
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

/** How to get from the logged moment to the counted one. */
export type Way = 'as stamped' | 'back' | 'forward';

/**
 * @param name of the log, for error messages
 * @param counted the moment by which earlier lines of the log are counted: all its lines keep to it,
 * even if the first ones now look different
 * @throws Reto3Error RETO3_BAD_FLAG
 */
export function wayOf(
  name: string,
  { format, digits, hasDurations }: Fit,
  { at, parser }: Pick<Plan, 'at' | 'parser'>,
  counted?: Moment,
): Way {
  if (format.isRelative && parser.startMs === undefined)
    throw new Reto3Error(
      'RETO3_BAD_FLAG',
      `the times in ${name} count from the start of the run (${format.title})`,
      { hint: 'add when it began, as in --start 2016-05-28T11:11:11Z' },
    );
  if (counted !== undefined && at !== undefined && at !== counted)
    throw new Reto3Error(
      'RETO3_BAD_FLAG',
      `got --at ${at}, but earlier lines of ${name} are ${momentText(counted)}`,
      { hint: 'leave out --at, or import the log into another --data-dir' },
    );
  const way = wayTo(counted ?? at ?? 'start', format);
  if (way === 'as stamped' || counted !== undefined) return way;
  // In whole seconds, subtracting milliseconds leaves two possible seconds.
  const canTell = hasDurations && digits >= 2;
  if (canTell) return way;
  if (at === undefined) return 'as stamped';
  const why = digits >= 2 ? 'not every line has a duration' : 'its clock ticks in seconds';
  throw new Reto3Error(
    'RETO3_BAD_FLAG',
    `got --at ${at}, but ${name} (${format.title}) logs the ${format.moment}, and ${why}`,
    { hint: `leave out --at, to count the ${format.moment}` },
  );
}

function wayTo(wanted: Moment, format: LogFormat): Way {
  if (wanted === format.moment) return 'as stamped';
  return wanted === 'start' ? 'back' : 'forward';
}

/** The counted moment. */
export function momentOf(format: LogFormat, way: Way): Moment {
  if (way === 'as stamped') return format.moment;
  return way === 'back' ? 'start' : 'end';
}

/**
 * When to count a message, epoch ms; or why it cannot be counted. Without a duration, which a line
 * behind the sample may lack, it is counted as stamped.
 */
export function countedTime({ time, duration, hasDuration }: Stamp, way: Way): number | Reason {
  let { ms } = time;
  if (hasDuration && way === 'back') {
    ms -= duration.ms;
    if (time.ns < duration.ns) ms--;
  } else if (hasDuration && way === 'forward') {
    ms += duration.ms;
    if (time.ns + duration.ns >= 1_000_000) ms++;
  }
  return ms >= 0 && ms <= largestTime ? ms : 'a time out of range';
}

/** The format of a log: from a few lines, or from the whole sample if those are inconclusive. */
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

/** The format that the user named, for a log whose first lines do not have it. */
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
  // A line that ends behind the sample may lack its duration.
  if (first.length < sampleBytes || lines.length === 0) cutter.end();
  return lines;
}
