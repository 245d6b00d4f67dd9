/**
 * logfmt, one request a line, as Heroku's router, Grafana, lograge and many programs write it:
 *
 *     [time …] key=value key="value" … method=GET … status=200
 *
 * The time is under `time`, `ts`, `t` or `timestamp`, or in front: ISO 8601, also behind the
 * priority of syslog, or in a bracket of Ruby's Logger. Such lines are written at the end of the
 * request. `connect` and `service`, in ms, are Heroku's: their sum is the duration.
 */
import type { LogFormat } from '../format.ts';
import { isMethod, isStatus, type PartNames, parts } from '../request.ts';
import { readAnyTime, readDuration } from '../time/any-time.ts';
import { Instant } from '../time/instant.ts';
import { readFrontTime } from './access.ts';
import { describeLabelled, LabelledLine, labelsOfParts } from './labelled.ts';

const timeLabels = ['time', 'ts', 't', 'timestamp'];
const named: PartNames = {
  method: ['method'],
  target: ['path', 'uri', 'url'],
  status: ['status'],
  host: ['host'],
  client: ['fwd', 'remote_addr', 'remote_ip', 'client', 'ip'],
  agent: ['user_agent'],
};
const described = parts.flatMap((part) => named[part] ?? []);
const labels = [...timeLabels, 'connect', 'service', ...described];
const labelsOf = labelsOfParts(labels, named);
const [connect, service, method, status] = ['connect', 'service', 'method', 'status'].map((name) =>
  labels.indexOf(name),
);

export const logfmt: LogFormat = {
  name: 'logfmt',
  title: 'logfmt: Heroku router and others',
  example:
    '2016-05-28T11:11:11.123456+00:00 heroku[router]: at=info method=GET path="/" host=example.com fwd="192.0.2.7" dyno=web.1 connect=1ms service=18ms status=200 bytes=612',
  resolution: '1 s, or finer',
  moment: 'end',
  isGeneral: true,
  isWholeLine: true,
  parser({ zone }) {
    const line = new LabelledLine(labels, 'logfmt');
    const connecting = new Instant();
    const readPart = (bytes: Uint8Array, label: number | undefined, into: Instant): boolean =>
      line.read(label ?? -1, (begin, end) => {
        // Empty where the router itself answered, at once.
        into.ms = into.ns = 0;
        return begin === end || readDuration(bytes, begin, end, into);
      });
    return {
      describe: (bytes, _from, _to, request) => describeLabelled(bytes, line, labelsOf, request),
      parse(bytes, from, to, stamp) {
        line.scan(bytes, from, to);
        const isRequest =
          line.read(method ?? -1, (begin, end) => isMethod(bytes, begin, end)) &&
          line.read(status ?? -1, (begin, end) => isStatus(bytes, begin, end));
        if (!isRequest) return 'no request of this format';
        const isTime =
          timeLabels.some((_, label) =>
            line.read(label, (begin, end) => readAnyTime(bytes, begin, end, stamp.time, zone)),
          ) || readFrontTime(bytes, from, to, stamp.time, zone) !== -1;
        if (!isTime) return 'no time that can be read';
        const { duration } = stamp;
        stamp.hasDuration =
          readPart(bytes, service, duration) && readPart(bytes, connect, connecting);
        duration.ms += connecting.ms;
        return undefined;
      },
    };
  },
};
