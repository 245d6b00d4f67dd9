/**
 * Counts, sums and extremes.
 *
 * Sums are whole numbers of `resolution`, since floating point would make them depend on the order of
 * messages: 0.1 + 0.2 + 0.3 has two values.
 */
import type { VarintReader, VarintWriter } from '@reto3/core';
import type { Message } from '../contract.ts';
import type { Aggregate, ValueOf } from './aggregate.ts';

export interface NumberOptions {
  /** What the column shows. */
  readonly description?: string;
  /** Such as `ms` or `bytes`. */
  readonly unit?: string;
}

export interface SumOptions extends NumberOptions {
  /** Values are rounded to multiples of it; 1 by default. */
  readonly resolution?: number;
}

/** The number of messages, or of those that pass `which`. */
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

/** The sum of the values, exact in multiples of `resolution` up to 2⁵³ of them. */
export function sum(value: ValueOf<number>, options: SumOptions = {}): Aggregate<number> {
  const { resolution = 1, description = 'sum', unit } = options;
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

/** The mean of the values, of which there may be none. */
export function mean(
  value: ValueOf<number>,
  options: SumOptions = {},
): Aggregate<readonly [count: number, sum: number]> {
  const { resolution = 1, description = 'mean', unit } = options;
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

/** The smallest of the values, of which there may be none. */
export function min(value: ValueOf<number>, options: NumberOptions = {}): Aggregate<Extreme> {
  return extreme('min', 'smallest', Math.min, value, options);
}

/** The largest of the values, of which there may be none. */
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
      // Plus 0, since there are two zeros and only one is read back.
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

/** @throws RangeError */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`got the value ${value}, want a finite number`);
  return value;
}

/** How many times `resolution` goes into a value, rounded. @throws RangeError above 2⁵³ */
export function multiplesOf(value: number, resolution: number): number {
  const multiples = Math.round(finite(value) / resolution);
  if (!Number.isSafeInteger(multiples))
    throw new RangeError(`got the value ${value}, want at most 2^53 times ${resolution}`);
  // Not the negative zero, which is not read back.
  return multiples + 0;
}

/** A number of multiples as a value; without the noise of 3 × 0.1. */
export function scaled(multiples: number, resolution: number): number {
  return resolution < 1 ? multiples / Math.round(1 / resolution) : multiples * resolution;
}

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
