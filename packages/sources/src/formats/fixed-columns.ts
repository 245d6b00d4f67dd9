/**
 * Lines of columns in a fixed order, without a header. The time comes first; more columns than the
 * known ones may follow.
 */
import { digitAt } from '../bytes.ts';
import type { LineParser } from '../format.ts';
import type { UnitDigits } from '../time/instant.ts';
import { Columns, type DescribedColumn } from './columns.ts';

export interface FixedColumnsSpec {
  readonly delimiter: string;
  readonly quoting: 'none' | 'csv';
  readonly leastColumns: number;
  readonly timeUnit: UnitDigits;
  /** Digits of a time, without those behind its point. */
  readonly timeDigits: number;
  readonly duration: number;
  readonly durationUnit: UnitDigits;
  readonly described: readonly DescribedColumn[];
  /** Whether the other columns are those of a request. */
  readonly isRequest?: (bytes: Uint8Array, columns: Columns) => boolean;
}

export function fixedColumnsParser(spec: FixedColumnsSpec): LineParser {
  const columns = new Columns(spec.delimiter, spec.quoting);
  return {
    describe: (bytes, _from, _to, request) => columns.describe(bytes, spec.described, request),
    parse(bytes, from, to, stamp) {
      if (digitAt(bytes, from) > 9 || columns.split(bytes, from, to) < spec.leastColumns)
        return 'no request of this format';
      if (spec.isRequest?.(bytes, columns) === false) return 'no request of this format';
      const { time, duration } = stamp;
      const isTime =
        wholeDigits(bytes, columns.from(0), columns.to(0)) === spec.timeDigits &&
        time.readDecimal(bytes, columns.from(0), columns.to(0), spec.timeUnit);
      if (!isTime) return 'no time that can be read';
      stamp.hasDuration = columns.read(spec.duration, (begin, end) =>
        duration.readDecimal(bytes, begin, end, spec.durationUnit),
      );
      return stamp.hasDuration ? undefined : 'no request of this format';
    },
  };
}

function wholeDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && digitAt(bytes, at) <= 9) at++;
  return at - from;
}
