/**
 * Squid's native access.log:
 *
 *     seconds.mmm elapsed client [port] code/status bytes … method URL user hierarchy/peer type
 *
 * The time is the end of the request; the elapsed time is in ms. Configurations may add the port of
 * the client, and more byte counts.
 */
import { indexOf, slash } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isMethod, isStatus } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { Columns } from './columns.ts';

const leastColumns = 7;
const client = 2;
const usualCode = 3;
/** How far behind the code the method stands at most. */
const maxByteCounts = 8;

/** The column of the code, if the line has one. */
function codeOf(bytes: Uint8Array, columns: Columns): number | undefined {
  for (let column = usualCode; column <= usualCode + 1; column++) {
    const at = slashIn(bytes, columns, column);
    if (at !== -1 && isStatus(bytes, at + 1, columns.to(column))) return column;
  }
  return undefined;
}

function slashIn(bytes: Uint8Array, columns: Columns, column: number): number {
  return indexOf(bytes, slash, columns.from(column), columns.to(column));
}

function methodOf(bytes: Uint8Array, columns: Columns, code: number): number {
  const first = code + 2;
  if (code === usualCode) return first;
  const last = Math.min(columns.count, first + maxByteCounts);
  for (let column = first; column < last; column++)
    if (isMethod(bytes, columns.from(column), columns.to(column))) return column;
  return first;
}

export const squid: LogFormat = {
  name: 'squid',
  title: 'Squid, native access.log',
  example:
    '1464433871.123    180 192.0.2.7 TCP_MISS/200 612 GET http://example.com/ - HIER_DIRECT/198.51.100.2 text/html',
  resolution: '1 ms',
  moment: 'end',
  parser() {
    const columns = new Columns(' ', 'w3c');
    let code: number | undefined;
    return {
      describe(bytes, _from, _to, request) {
        if (code === undefined) return;
        const method = methodOf(bytes, columns, code);
        const target = method + 1;
        request.setClient(bytes, columns.from(client), columns.to(client));
        request.method.set(bytes, columns.from(method), columns.to(method));
        if (target < columns.count)
          request.setTarget(bytes, columns.from(target), columns.to(target));
        request.setStatus(bytes, slashIn(bytes, columns, code) + 1, columns.to(code));
      },
      parse(bytes, from, to, stamp) {
        if (columns.split(bytes, from, to) < leastColumns) return 'no request of this format';
        code = codeOf(bytes, columns);
        if (code === undefined) return 'no request of this format';
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
