/**
 * phout.txt of Yandex.Tank, which phantom and Pandora write: a line for each request, by tabs.
 *
 *     start       s since the epoch, ms behind the point
 *     tag         may be empty, or end in #id; here the path
 *     duration    µs, then its parts: connect, send, latency, receive, and the time of the event
 *     bytes out, bytes in, errno (0 without an error), status (0 without an answer)
 */
import { isWhole } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { unitDigits } from '../time/instant.ts';
import type { Columns } from './columns.ts';
import { fixedColumnsParser } from './fixed-columns.ts';

const tag = 1;
const duration = 2;
const status = 11;
const columnCount = 12;

export const phout: LogFormat = {
  name: 'phout',
  title: 'Yandex.Tank, phout.txt',
  example: '1464433871.123\thome#7\t3870\t210\t35\t3500\t125\t0\t96\t612\t0\t200',
  resolution: '1 ms',
  moment: 'start',
  parser: () =>
    fixedColumnsParser({
      delimiter: '\t',
      quoting: 'none',
      leastColumns: columnCount,
      timeUnit: unitDigits.s,
      timeDigits: 10,
      duration,
      durationUnit: unitDigits.us,
      described: [
        { part: 'target', column: tag },
        { part: 'status', column: status },
      ],
      isRequest: areNumbers,
    }),
};

function areNumbers(bytes: Uint8Array, columns: Columns): boolean {
  for (let column = duration; column < columnCount; column++)
    if (!isWhole(bytes, columns.from(column), columns.to(column))) return false;
  return true;
}
