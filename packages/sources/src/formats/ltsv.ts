/**
 * LTSV, labelled tab-separated values, with the labels that ltsv.org recommends for access logs:
 *
 *     time:[DD/Mon/YYYY:HH:MM:SS ±hhmm]<tab>host:client<tab>req:GET / HTTP/1.1<tab>status:200<tab>reqtime:0.004
 *
 * Times have any form, with or without the bracket; `msec` is the finest. nginx and h2o write the
 * end. `reqtime` is in seconds, `reqtime_microsec` in µs.
 */
import { closeBracket, openBracket } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isMethod, isRequestLine, isStatus, type PartNames, parts } from '../request.ts';
import { readAnyTime } from '../time/any-time.ts';
import { unitDigits } from '../time/instant.ts';
import { describeLabelled, LabelledLine, labelsOfParts } from './labelled.ts';

const timeLabels = ['msec', 'time', 'time_local', 'local_time', 'time_iso8601', 'timestamp'];
const named: PartNames = {
  line: ['req', 'request'],
  method: ['method'],
  target: ['uri'],
  status: ['status'],
  host: ['vhost'],
  client: ['host', 'remote_addr', 'client'],
  agent: ['ua'],
};
const durations = ['reqtime_microsec', 'reqtime', 'request_time'];
const described = parts.flatMap((part) => named[part] ?? []);
const labels = [...new Set([...timeLabels, ...durations, ...described])];
const labelsOf = labelsOfParts(labels, named);
const requestLines = (named.line ?? []).map((name) => labels.indexOf(name));
const [method, status] = [labels.indexOf('method'), labels.indexOf('status')];
const [micros, ...seconds] = durations.map((name) => labels.indexOf(name));

export const ltsv: LogFormat = {
  name: 'ltsv',
  title: 'LTSV, labelled tab-separated values',
  example:
    'time:28/May/2016:11:11:11 +0000\thost:192.0.2.7\treq:GET / HTTP/1.1\tstatus:200\tsize:612\treqtime:0.004',
  resolution: '1 ms with msec, else 1 s',
  moment: 'end',
  parser({ zone }) {
    const line = new LabelledLine(labels, 'ltsv');
    return {
      describe: (bytes, _from, _to, request) => describeLabelled(bytes, line, labelsOf, request),
      parse(bytes, from, to, stamp) {
        line.scan(bytes, from, to);
        // Programs label values of their own in the same way.
        const isRequest =
          requestLines.some((label) =>
            line.read(label, (begin, end) => isRequestLine(bytes, begin, end)),
          ) ||
          line.read(method, (begin, end) => isMethod(bytes, begin, end)) ||
          line.read(status, (begin, end) => isStatus(bytes, begin, end));
        if (!isRequest) return 'no request of this format';
        const isTime = timeLabels.some((_, label) =>
          line.read(label, (begin, end) => {
            const isBracketed = bytes[begin] === openBracket && bytes[end - 1] === closeBracket;
            const inset = isBracketed ? 1 : 0;
            return readAnyTime(bytes, begin + inset, end - inset, stamp.time, zone);
          }),
        );
        if (!isTime) return 'no time that can be read';
        const { duration } = stamp;
        stamp.hasDuration =
          line.read(micros ?? -1, (begin, end) =>
            duration.readDecimal(bytes, begin, end, unitDigits.us),
          ) ||
          seconds.some((label) =>
            line.read(label, (begin, end) => duration.readDecimal(bytes, begin, end, unitDigits.s)),
          );
        return undefined;
      },
    };
  },
};
