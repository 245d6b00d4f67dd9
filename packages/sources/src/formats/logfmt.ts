/**
 * logfmt, one request a line, as Heroku's router, Grafana, lograge and many programs write it:
 *
 *     [time …] key=value key="value" … method=GET … status=200
 *
 * The time is under `time`, `ts`, `t` or `timestamp`, or in front: ISO 8601, also behind the
 * priority of syslog, or in a bracket of Ruby's Logger. Such lines are written at the end of the
 * request.
 *
 * Heroku's router also names a `dyno`; its `connect` and `service`, in ms, add up to the duration.
 * It is a format of its own, since the same log often has a line of the application for each of
 * its requests.
 */
import type { LineParser, LogFormat, ParserOptions, Reason, Stamp } from '../format.ts';
import { isMethod, isStatus, type PartNames, parts, type Request } from '../request.ts';
import { readAnyTime, readDuration } from '../time/any-time.ts';
import { Instant } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';
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
const labels = [...timeLabels, 'dyno', 'connect', 'service', ...described];
const labelsOf = labelsOfParts(labels, named);
const labelOf = (name: string): number => labels.indexOf(name);
const [dyno, connect, service] = [labelOf('dyno'), labelOf('connect'), labelOf('service')];
const [method, status] = [labelOf('method'), labelOf('status')];

class LogfmtParser implements LineParser {
  readonly #zone: Zone;
  readonly #isHeroku: boolean;
  readonly #line = new LabelledLine(labels, 'logfmt');
  readonly #connecting = new Instant();

  constructor({ zone }: ParserOptions, isHeroku: boolean) {
    this.#zone = zone;
    this.#isHeroku = isHeroku;
  }

  describe(bytes: Uint8Array, _from: number, _to: number, request: Request): void {
    describeLabelled(bytes, this.#line, labelsOf, request);
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    const line = this.#line;
    line.scan(bytes, from, to);
    const isRequest =
      line.read(method, (begin, end) => isMethod(bytes, begin, end)) &&
      line.read(status, (begin, end) => isStatus(bytes, begin, end));
    if (!isRequest || (this.#isHeroku && !line.has(dyno))) return 'no request of this format';
    const isTime =
      timeLabels.some((_, label) =>
        line.read(label, (begin, end) => readAnyTime(bytes, begin, end, stamp.time, this.#zone)),
      ) || readFrontTime(bytes, from, to, stamp.time, this.#zone) !== -1;
    if (!isTime) return 'no time that can be read';
    stamp.hasDuration = this.#isHeroku && this.#readDuration(bytes, stamp);
    return undefined;
  }

  #readDuration(bytes: Uint8Array, { duration }: Stamp): boolean {
    const isWhole =
      this.#readPart(bytes, service, duration) && this.#readPart(bytes, connect, this.#connecting);
    duration.ms += this.#connecting.ms;
    return isWhole;
  }

  #readPart(bytes: Uint8Array, label: number, into: Instant): boolean {
    return this.#line.read(label, (begin, end) => {
      // Empty where the router itself answered, at once.
      into.ms = into.ns = 0;
      return begin === end || readDuration(bytes, begin, end, into);
    });
  }
}

export const heroku: LogFormat = {
  name: 'heroku',
  title: "Heroku's router",
  example:
    '2016-05-28T11:11:11.123456+00:00 heroku[router]: at=info method=GET path="/" host=example.com fwd="192.0.2.7" dyno=web.1 connect=1ms service=18ms status=200 bytes=612',
  resolution: '1 µs',
  moment: 'end',
  parser: (options) => new LogfmtParser(options, true),
};

export const logfmt: LogFormat = {
  name: 'logfmt',
  title: 'logfmt',
  example: 'time="2016-05-28T11:11:11Z" level=info msg=access method=GET path=/ status=200',
  resolution: '1 s, or finer',
  moment: 'end',
  isGeneral: true,
  parser: (options) => new LogfmtParser(options, false),
};
