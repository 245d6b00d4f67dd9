/**
 * Squid's native access.log:
 *
 *     seconds.mmm elapsed client code/status bytes method URL user hierarchy/peer type
 *
 * The time is the end of the request; the elapsed time is in ms.
 */
import { indexOf, slash } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { unitDigits } from '../time/instant.ts';
import { Columns, type DescribedColumn } from './columns.ts';

const leastColumns = 7;
const code = 3;
const described: readonly DescribedColumn[] = [
  { part: 'client', column: 2 },
  { part: 'method', column: 5 },
  { part: 'target', column: 6 },
];

export const squid: LogFormat = {
  name: 'squid',
  title: 'Squid, native access.log',
  example:
    '1464433871.123    180 192.0.2.7 TCP_MISS/200 612 GET http://example.com/ - HIER_DIRECT/198.51.100.2 text/html',
  resolution: '1 ms',
  moment: 'end',
  parser() {
    const columns = new Columns(' ', 'w3c');
    return {
      describe(bytes, _from, _to, request) {
        columns.describe(bytes, described, request);
        const to = columns.to(code);
        request.setStatus(bytes, indexOf(bytes, slash, columns.from(code), to) + 1, to);
      },
      parse(bytes, from, to, stamp) {
        const count = columns.split(bytes, from, to);
        if (
          count < leastColumns ||
          indexOf(bytes, slash, columns.from(code), columns.to(code)) === -1
        )
          return 'no request of this format';
        const { time, duration } = stamp;
        const isTime =
          time.readDecimal(bytes, columns.from(0), columns.to(0), unitDigits.s) &&
          time.digits === 3;
        if (!isTime) return 'no time that can be read';
        stamp.hasDuration = duration.readDecimal(
          bytes,
          columns.from(1),
          columns.to(1),
          unitDigits.ms,
        );
        return undefined;
      },
    };
  },
};
