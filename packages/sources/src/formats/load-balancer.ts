/**
 * Elastic Load Balancing, Application and Classic, fields with blanks between them, some quoted:
 *
 *     ALB  type time elb client target 3 × processing_time … "request" "agent" cipher protocol arn
 *          "trace" "domain" "certificate" priority request_creation_time …
 *     ELB  time elb client backend 3 × processing_time code code received sent "request" …
 *
 * ALB: `time` is when the response was generated (µs), the end; `request_creation_time` is when the
 * request came, so the difference is the duration. ELB: "the time when the load balancer received
 * the request from the client" (µs), the start; the three processing times add up to the duration
 * unless one is -1. TCP connections have no status, which also tells these lines from others that
 * begin with a time, such as syslog's.
 */
import { dot, indexOf, minus, quote } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isStatus } from '../request.ts';
import { Instant, unitDigits } from '../time/instant.ts';
import { utc } from '../time/zone.ts';
import { Columns, type DescribedColumn } from './columns.ts';

const albTime = 1;
const albRequest = 12;
const albCreation = 21;
const albStatus = 8;
const elbProcessing = [4, 5, 6] as const;
const elbRequest = 11;
const elbStatus = 7;
const albColumns: readonly DescribedColumn[] = [
  { part: 'client', column: 3 },
  { part: 'status', column: albStatus },
  { part: 'line', column: albRequest },
  { part: 'agent', column: albRequest + 1 },
];
const elbColumns: readonly DescribedColumn[] = [
  { part: 'client', column: 2 },
  { part: 'status', column: elbStatus },
  { part: 'line', column: elbRequest },
  { part: 'agent', column: elbRequest + 1 },
];
const nsPerMs = 1_000_000;

/** A number with a fraction, or -1. */
function isTimeOrNone(bytes: Uint8Array, columns: Columns, column: number): boolean {
  return columns.read(
    column,
    (from, to) => bytes[from] === minus || indexOf(bytes, dot, from, to) !== -1,
  );
}

export const alb: LogFormat = {
  name: 'alb',
  title: 'AWS Application Load Balancer',
  example:
    'http 2016-05-28T11:11:11.123456Z app/web/50dc6c495c0c9188 192.0.2.7:2817 198.51.100.2:80 0.000 0.001 0.000 200 200 34 612 "GET http://example.com:80/ HTTP/1.1" "curl/8.5.0" - - arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2016-05-28T11:11:11.122000Z "forward" "-" "-" "198.51.100.2:80" "200" "-" "-"',
  resolution: '1 µs, 1 ms by start',
  moment: 'end',
  parser() {
    const columns = new Columns(' ', 'w3c');
    const creation = new Instant();
    return {
      describe: (bytes, _from, _to, request) => columns.describe(bytes, albColumns, request),
      parse(bytes, from, to, stamp) {
        if (columns.split(bytes, from, to) <= albRequest) return 'no request of this format';
        if (!columns.read(albTime, (begin, end) => stamp.time.readIso(bytes, begin, end, utc)))
          return 'no time that can be read';
        const isRequest =
          columns.isQuoted(albRequest) &&
          columns.read(albStatus, (begin, end) => isStatus(bytes, begin, end));
        if (!isRequest) return 'no request of this format';
        stamp.hasDuration =
          columns.read(albCreation, (begin, end) => creation.readIso(bytes, begin, end, utc)) &&
          stamp.duration.difference(stamp.time, creation);
        return undefined;
      },
    };
  },
};

export const elb: LogFormat = {
  name: 'elb',
  title: 'AWS Classic Load Balancer',
  example:
    '2016-05-28T11:11:11.123456Z web 192.0.2.7:2817 198.51.100.2:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://example.com:80/ HTTP/1.1" "curl/8.5.0" - -',
  resolution: '1 µs',
  moment: 'start',
  parser() {
    const columns = new Columns(' ', 'w3c');
    const part = new Instant();
    return {
      describe: (bytes, _from, _to, request) => columns.describe(bytes, elbColumns, request),
      parse(bytes, from, to, stamp) {
        if (columns.split(bytes, from, to) <= elbRequest) return 'no request of this format';
        if (!columns.read(0, (begin, end) => stamp.time.readIso(bytes, begin, end, utc)))
          return 'no time that can be read';
        const request = columns.from(elbRequest);
        const isRequest =
          bytes[request - 1] === quote &&
          bytes[request] !== minus &&
          columns.read(elbStatus, (begin, end) => isStatus(bytes, begin, end)) &&
          elbProcessing.every((column) => isTimeOrNone(bytes, columns, column));
        if (!isRequest) return 'no request of this format';
        const { duration } = stamp;
        duration.ms = 0;
        duration.ns = 0;
        stamp.hasDuration = elbProcessing.every((column) => {
          if (!part.readDecimal(bytes, columns.from(column), columns.to(column), unitDigits.s))
            return false;
          const ns = duration.ns + part.ns;
          duration.ms += part.ms + Math.floor(ns / nsPerMs);
          duration.ns = ns % nsPerMs;
          return true;
        });
        return undefined;
      },
    };
  },
};
