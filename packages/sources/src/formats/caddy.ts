/**
 * Caddy's access log, JSON: `ts` is the end, as seconds with a fraction, or in any other
 * `time_format`; `duration` is in seconds with a fraction, or has its unit, or is a whole number of
 * ns or ms, as `duration_format` says. A small whole number may be either, so it is not read.
 *
 * Only lines whose `msg` is "handled request" are requests: Caddy logs errors of the same request
 * beside them.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['request/method'],
  target: ['request/uri'],
  status: ['status'],
  host: ['request/host'],
  client: ['request/client_ip', 'request/remote_ip', 'request/remote_addr'],
};
const keys = ['ts', 'msg', 'duration'];
const [ts, msg, duration] = [0, 1, 2] as const;
const handled = textBytes('handled request');
const zero = textBytes('0');
/** At least 0.1 ms in ns, or 100 s in ms, which is far less likely. */
const nanosecondDigits = 6;

export const caddy: LogFormat = {
  name: 'caddy',
  title: 'Caddy, JSON',
  example:
    '{"level":"info","ts":1464433871.1234567,"logger":"http.log.access","msg":"handled request","request":{"method":"GET","uri":"/"},"duration":0.000073649,"size":188,"status":200}',
  resolution: '1 µs',
  moment: 'end',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.is(msg, handled)) return 'no request of this format';
      if (!line.readTime(ts, stamp)) return 'no time that can be read';
      line.readDuration(duration, stamp);
      if (line.isWhole(duration) && !line.is(duration, zero)) {
        if (line.lengthOf(duration) >= nanosecondDigits)
          line.readDuration(duration, stamp, unitDigits.ns);
        else stamp.hasDuration = false;
      }
      return undefined;
    }),
};
