/**
 * Counts, sums, means and extremes.
 *
 * Sums count whole multiples of `resolution`, since a sum of floating-point numbers depends on the
 * order of messages: 0.1 + 0.2 + 0.3 has two values.
 */
import type { VarintReader, VarintWriter } from '@reto3/core';
import type { Message } from '../contract.ts';
import type { Aggregate, ValueOf } from './aggregate.ts';

export interface NumberOptions {
  /** The description of the column. */
  readonly description?: string;
  /** The unit of the column, such as `ms` or `bytes`. */
  readonly unit?: string;
}

export interface SumOptions extends NumberOptions {
  /** Values are rounded to multiples of it, such as 0.001; 1 by default. */
  readonly resolution?: number;
}

/** The number of messages, or of those for which `which` is true. */
export function count(
  which?: (message: Message) => boolean,
  { description = 'messages' }: NumberOptions = {},
): Aggregate<number> {
  return {
    columns: { '': { type: 'int64', description } },
    source: `count ${which}`,
    create: () => 0,
    add: (sum, message) => (which === undefined || which(message) ? sum + 1 : sum),
    merge: (a, b) => a + b,
    cells: (sum) => ({ '': sum }),
    write: (sum, writer) => void writer.number(sum),
    read: (reader) => reader.number(),
  };
}

/**
 * The sum of the values, each rounded to a multiple of `resolution`; exact up to 2⁵³ multiples.
 * @throws TypeError for a resolution that is not above 0; `add` throws RangeError for a value that
 * is not finite or has more multiples
 */
export function sum(value: ValueOf<number>, options: SumOptions = {}): Aggregate<number> {
  const { resolution = 1, description = 'sum', unit } = options;
  assertResolution(resolution);
  return {
    columns: { '': { type: typeOfMultiples(resolution), ...(unit && { unit }), description } },
    source: `sum ${resolution} ${value}`,
    create: () => 0,
    add(sum, message) {
      const given = value(message);
      return given === undefined ? sum : sum + multiplesOf(given, resolution);
    },
    merge: (a, b) => a + b,
    cells: (sum) => ({ '': scaled(sum, resolution) }),
    write: writeSigned,
    read: readSigned,
  };
}

/** The mean of the values, null without any; exact like `sum`. */
export function mean(
  value: ValueOf<number>,
  options: SumOptions = {},
): Aggregate<readonly [count: number, sum: number]> {
  const { resolution = 1, description = 'mean', unit } = options;
  assertResolution(resolution);
  return {
    columns: { '': { type: 'float', ...(unit && { unit }), description } },
    source: `mean ${resolution} ${value}`,
    create: () => [0, 0],
    add(part, message) {
      const given = value(message);
      return given === undefined ? part : [part[0] + 1, part[1] + multiplesOf(given, resolution)];
    },
    merge: (a, b) => [a[0] + b[0], a[1] + b[1]],
    cells: ([count, sum]) => ({ '': count === 0 ? null : scaled(sum / count, resolution) }),
    write([count, sum], writer) {
      writer.number(count);
      writeSigned(sum, writer);
    },
    read: (reader) => [reader.number(), readSigned(reader)],
  };
}

/** The smallest value, null without any. `add` throws RangeError for a value that is not finite. */
export function min(value: ValueOf<number>, options: NumberOptions = {}): Aggregate<Extreme> {
  return extreme('min', 'smallest', Math.min, value, options);
}

/** The largest value, null without any. `add` throws RangeError for a value that is not finite. */
export function max(value: ValueOf<number>, options: NumberOptions = {}): Aggregate<Extreme> {
  return extreme('max', 'largest', Math.max, value, options);
}

type Extreme = number | undefined;

function extreme(
  kind: string,
  usual: string,
  better: (a: number, b: number) => number,
  value: ValueOf<number>,
  { description = usual, unit }: NumberOptions,
): Aggregate<Extreme> {
  const merge = (a: Extreme, b: Extreme): Extreme =>
    a === undefined ? b : b === undefined ? a : better(a, b);
  return {
    columns: { '': { type: 'float', ...(unit && { unit }), description } },
    source: `${kind} ${value}`,
    create: () => undefined,
    add(part, message) {
      const given = value(message);
      // Adding 0 turns −0 into 0, so that equal values have equal bytes.
      return given === undefined ? part : merge(part, finite(given) + 0);
    },
    merge,
    cells: (part) => ({ '': part ?? null }),
    write(part, writer) {
      const bytes = Buffer.alloc(part === undefined ? 0 : Float64Array.BYTES_PER_ELEMENT);
      if (part !== undefined) bytes.writeDoubleLE(part);
      writer.bytes(bytes);
    },
    read(reader) {
      const bytes = Buffer.from(reader.bytes());
      return bytes.length === 0 ? undefined : bytes.readDoubleLE();
    },
  };
}

/** The value. @throws RangeError if it is not finite */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`got the value ${value}, want a finite number`);
  return value;
}

/** value ÷ resolution, rounded. @throws RangeError if it is not finite, or above 2⁵³ */
export function multiplesOf(value: number, resolution: number): number {
  const multiples = Math.round(finite(value) / resolution);
  if (!Number.isSafeInteger(multiples))
    throw new RangeError(`got the value ${value}, want at most 2^53 times ${resolution}`);
  // Adding 0 turns −0 into 0, the only zero that is read back.
  return multiples + 0;
}

/** multiples × resolution, without the rounding error of 3 × 0.1. */
export function scaled(multiples: number, resolution: number): number {
  const parts = Math.round(1 / resolution);
  return 1 / parts === resolution ? multiples / parts : multiples * resolution;
}

/** @throws TypeError for a resolution that has no multiples */
export function assertResolution(resolution: number): void {
  if (!(resolution > 0 && Number.isFinite(resolution)))
    throw new TypeError(`got the resolution ${resolution}, want a number above 0`);
}

/** The type of a column of multiples. */
export function typeOfMultiples(resolution: number): 'int64' | 'float' {
  return Number.isInteger(resolution) ? 'int64' : 'float';
}

function writeSigned(value: number, writer: VarintWriter): void {
  writer.number(value < 0 ? 1 : 0).number(Math.abs(value));
}

function readSigned(reader: VarintReader): number {
  const isNegative = reader.number() === 1;
  const value = reader.number();
  return isNegative ? -value : value;
}
