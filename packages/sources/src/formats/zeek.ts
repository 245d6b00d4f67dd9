/**
 * Zeek's http.log, tab-separated with a header, or JSON. `ts` is when the request was seen, the
 * start, in seconds with six digits (JSON also as ISO 8601). There is no duration.
 *
 * Published logs often lack the header. Without one, lines of requests have the first columns that
 * all versions write. sip.log has methods as well, but `call_id` and no `host`.
 */
import { isWhole, startsWith, textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isAddress, isMethod, type PartNames } from '../request.ts';
import { readAnyTime } from '../time/any-time.ts';
import { Columns, describedColumns } from './columns.ts';
import { jsonParser } from './json-log.ts';

const fieldsMark = textBytes('#fields\t');
const comment = textBytes('#');
const sipCall = 'call_id';
const named: PartNames = {
  method: ['method'],
  target: ['uri'],
  status: ['status_code'],
  host: ['host'],
  client: ['id.orig_h'],
  agent: ['user_agent'],
};

const usualNames = [
  ...['ts', 'uid', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'trans_depth'],
  ...['method', 'host', 'uri'],
];
const [usualClient, usualServer, usualDepth, usualMethod, usualHost] = [2, 4, 6, 7, 8] as const;
const usualDigits = 6;
const sipUri = textBytes('sip:');

/** Whether a line has the columns of a request, for logs without a header. */
function hasUsual(bytes: Uint8Array, columns: Columns): boolean {
  return (
    columns.count >= usualNames.length &&
    isAddress(bytes, columns.from(usualClient), columns.to(usualClient)) &&
    isAddress(bytes, columns.from(usualServer), columns.to(usualServer)) &&
    isWhole(bytes, columns.from(usualDepth), columns.to(usualDepth)) &&
    isMethod(bytes, columns.from(usualMethod), columns.to(usualMethod)) &&
    !startsWith(bytes, columns.from(usualHost), columns.to(usualHost), sipUri)
  );
}

export const zeek: LogFormat = {
  name: 'zeek',
  title: 'Zeek http.log, tab-separated',
  example:
    '1464433871.123456\tCHhAvVGS1DHFjwGM9\t192.0.2.7\t53332\t198.51.100.2\t80\t1\tGET\texample.com\t/',
  resolution: '1 µs',
  moment: 'start',
  isStateful: true,
  parser({ zone }) {
    const columns = new Columns('\t', 'none');
    let described = describedColumns(usualNames, named);
    let time: number | undefined;
    return {
      describe: (bytes, _from, _to, request) => columns.describe(bytes, described, request),
      parse(bytes, from, to, stamp) {
        if (startsWith(bytes, from, to, fieldsMark)) {
          const text = Buffer.from(bytes.subarray(from, to)).toString('latin1');
          const names = text.split('\t').slice(1);
          // Zeek's other logs have the same form.
          described = describedColumns(names, named);
          const isHttp = names.includes('method') || names.includes('uri');
          time = isHttp && !names.includes(sipCall) ? names.indexOf('ts') : -1;
        }
        if (startsWith(bytes, from, to, comment)) return 'a header or comment';
        if (time === -1) return 'no request of this format';
        columns.split(bytes, from, to);
        if (time === undefined && !hasUsual(bytes, columns)) return 'no header above it';
        stamp.hasDuration = false;
        const isTime = columns.read(time ?? 0, (begin, end) =>
          readAnyTime(bytes, begin, end, stamp.time, zone),
        );
        return isTime && (time !== undefined || stamp.time.digits === usualDigits)
          ? undefined
          : 'no time that can be read';
      },
    };
  },
};

const keys = ['ts', 'uid', 'id.orig_h', 'method', 'uri', 'status_code', 'host', sipCall];
const [ts, uid, origin, call] = [0, 1, 2, 7] as const;
const ofRequests = [3, 4, 5, 6] as const;

export const zeekJson: LogFormat = {
  name: 'zeek-json',
  title: 'Zeek http.log, JSON',
  example:
    '{"ts":1464433871.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"192.0.2.7","method":"GET","host":"example.com","uri":"/","status_code":200}',
  resolution: '1 µs',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      const isRequest = line.has(uid) && line.has(origin) && line.hasAny(ofRequests);
      if (!isRequest || line.has(call)) return 'no request of this format';
      stamp.hasDuration = false;
      return line.readTime(ts, stamp) ? undefined : 'no time that can be read';
    }),
};
