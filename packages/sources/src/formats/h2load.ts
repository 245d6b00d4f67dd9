/**
 * h2load, `--log-file`: a line for each request, in the order of their ends.
 *
 *     start <tab> status <tab> duration      µs since the epoch; −1 without an answer; µs
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isStatus } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { fixedColumnsParser } from './fixed-columns.ts';

const noAnswer = textBytes('-1');

export const h2load: LogFormat = {
  name: 'h2load',
  title: 'h2load, --log-file',
  example: '1464433871123456\t200\t3870',
  resolution: '1 µs',
  moment: 'start',
  parser: () =>
    fixedColumnsParser({
      delimiter: '\t',
      quoting: 'none',
      leastColumns: 3,
      timeUnit: unitDigits.us,
      timeDigits: 16,
      duration: 2,
      durationUnit: unitDigits.us,
      described: [{ part: 'status', column: 1 }],
      isRequest: (bytes, columns) =>
        isStatus(bytes, columns.from(1), columns.to(1)) || columns.is(1, bytes, noAnswer),
    }),
};
