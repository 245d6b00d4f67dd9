/**
 * W3C extended log format, as IIS and CloudFront write it:
 *
 *     directive = "#" name ":" text            each `#Fields:` names the columns from there on
 *     entry     = field *(blank field)         tabs if the line has any; else blanks, quoted text
 *
 * Time is `date` and `time` in UTC, or `date-local` and `time-local` in the zone of the server; a
 * `#Date:` directive stands in for a missing date. IIS and CloudFront log the end, in whole seconds.
 * `time-taken` is in ms, but in seconds for CloudFront, recognised by its `x-edge-location`.
 *
 * Without method, target and status an entry is a connection (HTTP.sys, httperr.log). FTP servers
 * write the same form, with sessions. Where --log-format names the format, lines above any
 * `#Fields:` begin with date and time.
 */
import { indexOf, openBracket, space, startsWith, tab, textBytes } from '../bytes.ts';
import type { LineParser, LogFormat, ParserOptions, Reason, Stamp } from '../format.ts';
import type { PartNames, Request } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { utc, type Zone } from '../time/zone.ts';
import { Columns, type DescribedColumn, describedColumns } from './columns.ts';

const directive = textBytes('#');
const fieldsMark = '#Fields:';
const dateMark = '#Date:';
const dateLength = 'YYYY-MM-DD'.length;
const longestTime = 40;
const maxDirectiveBytes = 8_192;
const named: PartNames = {
  method: ['cs-method'],
  target: ['cs-uri-stem', 'cs-uri'],
  status: ['sc-status'],
  host: ['x-host-header', 'cs-host', 'cs(Host)'],
  client: ['c-ip'],
  agent: ['cs(User-Agent)'],
};
const edgeLocation = 'x-edge-location';
const ftpSession = 'x-session';
const none = textBytes('-');

class W3cParser implements LineParser {
  readonly #isCloudFront: boolean;
  readonly #zone: Zone;
  readonly #byTabs = new Columns('\t', 'none');
  readonly #byBlanks = new Columns(' ', 'w3c');
  readonly #scratch = Buffer.alloc(dateLength + 1 + longestTime, ' ');
  #described: readonly DescribedColumn[] = [];
  /** The columns that only a request has. */
  #ofRequest: readonly number[] = [];
  #query = -1;
  #columns = this.#byTabs;
  #date = -1;
  #time = -1;
  #duration = -1;
  #isLocal = false;
  #hasDate = false;
  /** There was a `#Fields:`. */
  #hasFields = false;

  constructor(isCloudFront: boolean, { zone, isNamed }: ParserOptions) {
    this.#isCloudFront = isCloudFront;
    this.#zone = zone;
    if (isNamed) this.#takeFields(['date', 'time']);
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    if (startsWith(bytes, from, to, directive)) {
      this.#obey(Buffer.from(bytes.subarray(from, Math.min(to, from + maxDirectiveBytes))));
      return 'a header or comment';
    }
    if (this.#time === -1)
      return this.#hasFields ? 'no request of this format' : 'no header above it';
    const isTabbed = indexOf(bytes, tab, from, to) !== -1;
    const columns = isTabbed ? this.#byTabs : this.#byBlanks;
    this.#columns = columns;
    columns.split(bytes, from, to);
    if (!this.#readTime(bytes, columns, stamp))
      return this.#hasFields ? 'no time that can be read' : 'no header above it';
    if (this.#isNone(bytes, columns)) return 'no request of this format';
    const unit = this.#isCloudFront ? unitDigits.s : unitDigits.ms;
    stamp.hasDuration = columns.read(this.#duration, (begin, end) =>
      stamp.duration.readDecimal(bytes, begin, end, unit),
    );
    return undefined;
  }

  describe(bytes: Uint8Array, _from: number, _to: number, request: Request): void {
    const columns = this.#columns;
    columns.describe(bytes, this.#described, request);
    if (this.#query !== -1 && this.#query < columns.count)
      request.query.set(bytes, columns.from(this.#query), columns.to(this.#query));
  }

  #obey(line: Buffer): void {
    const text = line.toString('latin1');
    if (text.startsWith(dateMark)) {
      const date = text.slice(dateMark.length).trim().slice(0, dateLength);
      this.#hasDate = date.length === dateLength;
      if (this.#hasDate) this.#scratch.write(date, 'latin1');
    }
    if (!text.startsWith(fieldsMark)) return;
    const names = text.slice(fieldsMark.length).trim().split(/\s+/);
    const isHttp = names.some((name) => /^cs[-(]/.test(name)) && !names.includes(ftpSession);
    this.#hasFields = true;
    this.#time = -1;
    if (isHttp && names.includes(edgeLocation) === this.#isCloudFront) this.#takeFields(names);
  }

  #takeFields(names: readonly string[]): void {
    this.#described = describedColumns(names, named);
    this.#ofRequest = this.#described
      .filter(({ part }) => part === 'method' || part === 'target' || part === 'status')
      .map(({ column }) => column);
    this.#query = names.indexOf('cs-uri-query');
    this.#isLocal = !names.includes('time') && names.includes('time-local');
    const suffix = this.#isLocal ? '-local' : names.includes('time') ? '' : '-UTC';
    this.#date = names.indexOf(`date${suffix}`);
    this.#time = names.indexOf(`time${suffix}`);
    this.#duration = names.findIndex((name) => name === 'time-taken' || name === 'TimeTakenMS');
  }

  #isNone(bytes: Uint8Array, columns: Columns): boolean {
    const [first] = this.#ofRequest;
    if (first === undefined) return false;
    // `[2]USER` is FTP.
    if (bytes[columns.from(first)] === openBracket) return true;
    for (const column of this.#ofRequest) if (!columns.is(column, bytes, none)) return false;
    return true;
  }

  #readTime(bytes: Uint8Array, columns: Columns, { time }: Stamp): boolean {
    const scratch = this.#scratch;
    if (this.#date === -1 ? !this.#hasDate : !this.#copyDate(bytes, columns)) return false;
    return columns.read(this.#time, (from, to) => {
      if (to - from > longestTime) return false;
      for (let at = from; at < to; at++) scratch[dateLength + 1 + at - from] = bytes[at] ?? 0;
      const end = dateLength + 1 + to - from;
      return time.readIso(scratch, 0, end, this.#isLocal ? this.#zone : utc);
    });
  }

  #copyDate(bytes: Uint8Array, columns: Columns): boolean {
    return columns.read(this.#date, (from, to) => {
      if (to - from !== dateLength) return false;
      for (let at = from; at < to; at++) this.#scratch[at - from] = bytes[at] ?? space;
      return true;
    });
  }
}

export const iis: LogFormat = {
  name: 'iis',
  title: 'IIS, W3C extended',
  example: '2016-05-28 11:11:11 198.51.100.2 GET / - 80 - 192.0.2.7 curl/8.5.0 - 200 0 0 15',
  resolution: '1 s (Advanced Logging: 1 ms)',
  moment: 'end',
  isStateful: true,
  parser: (options) => new W3cParser(false, options),
};

export const cloudfront: LogFormat = {
  name: 'cloudfront',
  title: 'Amazon CloudFront, standard log',
  example:
    '2016-05-28\t11:11:11\tMAD50\t612\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/\t200\t-\tcurl/8.5.0\t-\t-\tHit\tid\texample.com\thttps\t23\t0.004',
  resolution: '1 s',
  moment: 'end',
  isStateful: true,
  parser: (options) => new W3cParser(true, options),
};
