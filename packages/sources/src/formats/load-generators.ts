/**
 * Result files with a header, one request a line (delimited.ts has the grammar).
 *
 * | program | columns | time | duration |
 * | --- | --- | --- | --- |
 * | k6, --out csv | metric_name,timestamp,metric_value,… | end; s, or as K6_CSV_TIME_FORMAT says | none |
 * | JMeter, JTL | timeStamp,elapsed,label,… by any delimiter | start; ms, or a date in local time | elapsed, ms |
 * | Locust, a row for each request event | start_time,…,response_time,… | start; s with a fraction | response_time, ms |
 * | hey, -o csv | response-time,…,status-code,offset | start; s since the run began | response-time, s |
 * | oha, csv | request-start,…,request-duration,… | start; s since the run began | request-duration, s |
 * | Tsung up to 1.7, dumptraffic="protocol" | #date;pid;id;http method;… | end; s with a fraction | duration, ms |
 * | later Tsung | date,pid,id,start,… | start; s with a fraction | duration, ms |
 * | ab, -g | starttime,seconds,…,ttime,wait by tabs | start; s | ttime, ms |
 *
 * A k6 request is a row of `http_reqs`. JMeter rows of transaction controllers sum up other rows.
 * Tsung's "protocol_local" up to 1.7 leaves the header out.
 */
import { isWhole, startsWith, textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { readAnyTime } from '../time/any-time.ts';
import { unitDigits } from '../time/instant.ts';
import type { Columns } from './columns.ts';
import { DelimitedParser, readRelativeSeconds } from './delimited.ts';

const msDigits = 13;
const httpRequests = textBytes('http_reqs');
const samplesInTransaction = textBytes('Number of samples in transaction : ');

export const k6Csv: LogFormat = {
  name: 'k6-csv',
  title: 'k6, --out csv',
  example: 'http_reqs,1464433871,1.000000,,,,true,,GET,http://example.com/,HTTP/1.1,default,,200',
  resolution: '1 s, or as K6_CSV_TIME_FORMAT sets',
  moment: 'end',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [','],
        required: ['metric_name', 'timestamp', 'metric_value'],
        request: { method: ['method'], target: ['url', 'name'], status: ['status'] },
        time: 'timestamp',
        readTime: (bytes, from, to, { time }, { zone }) => readAnyTime(bytes, from, to, time, zone),
        refuse: (bytes, columns, indexOf) =>
          columns.is(indexOf('metric_name'), bytes, httpRequests) ? undefined : 'another metric',
      },
      options,
    ),
};

export const jmeter: LogFormat = {
  name: 'jmeter',
  title: 'JMeter JTL, CSV',
  example:
    '1464433871123,15,Home,200,OK,Thread Group 1-1,text,true,,612,118,1,1,http://example.com/,14,0,2',
  resolution: '1 ms',
  moment: 'start',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [',', '\t', ';', '|'],
        required: ['timeStamp', 'elapsed'],
        request: { target: ['URL', 'label'], status: ['responseCode'] },
        usual: ['timeStamp', 'elapsed', 'label', 'responseCode', 'responseMessage'],
        time: 'timeStamp',
        duration: 'elapsed',
        durationUnit: unitDigits.ms,
        readTime: (bytes, from, to, { time }, { zone }) =>
          to - from === msDigits
            ? time.readDecimal(bytes, from, to, unitDigits.ms)
            : time.readIso(bytes, from, to, zone),
        refuse(bytes, columns, indexOf) {
          const isDuration = columns.read(indexOf('elapsed'), (from, to) =>
            isWhole(bytes, from, to),
          );
          if (!isDuration) return 'no request of this format';
          const isSum = columns.read(indexOf('responseMessage'), (from, to) =>
            startsWith(bytes, from, to, samplesInTransaction),
          );
          return isSum ? 'a sum of other lines' : undefined;
        },
      },
      options,
    ),
};

export const locust: LogFormat = {
  name: 'locust',
  title: 'Locust, a CSV row for each request event',
  example: '1464433871.123456,GET,/,15.2,612,200',
  resolution: '1 µs',
  moment: 'start',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [','],
        required: ['start_time', 'response_time'],
        request: {
          method: ['request_type'],
          target: ['name', 'url'],
          status: ['status_code', 'response_code'],
        },
        time: 'start_time',
        duration: 'response_time',
        durationUnit: unitDigits.ms,
        readTime: (bytes, from, to, { time }, { zone }) => readAnyTime(bytes, from, to, time, zone),
      },
      options,
    ),
};

export const hey: LogFormat = {
  name: 'hey',
  title: 'hey, -o csv (needs --start)',
  example: '0.0087,0.0047,0.0042,0.0001,0.0019,0.0001,200,0.0016',
  resolution: '0.1 ms',
  moment: 'start',
  isStateful: true,
  isRelative: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [','],
        required: ['response-time', 'DNS+dialup', 'offset'],
        request: { status: ['status-code'] },
        time: 'offset',
        duration: 'response-time',
        readTime: readRelativeSeconds,
      },
      options,
    ),
};

export const oha: LogFormat = {
  name: 'oha',
  title: 'oha, --output-format csv (needs --start)',
  example: '0.002211678,0.000374078,0.001148565,0.002619327,0.002626127,11,200',
  resolution: '1 ns',
  moment: 'start',
  isStateful: true,
  isRelative: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [','],
        required: ['request-start', 'request-duration'],
        request: { status: ['status'] },
        time: 'request-start',
        duration: 'request-duration',
        readTime: readRelativeSeconds,
      },
      options,
    ),
};

const openAngle = 0x3c;

/** An Erlang process, such as <0.94.0>. */
function isProcess(bytes: Uint8Array, columns: Columns, column: number): boolean {
  return columns.read(column, (from) => bytes[from] === openAngle);
}

export const tsung: LogFormat = {
  name: 'tsung',
  title: 'Tsung up to 1.7, dumptraffic="protocol"',
  example: '1464433871.123456;<0.94.0>;1;get;example.com;/;200;612;238.420;-;;;',
  resolution: '1 µs',
  moment: 'end',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [';'],
        required: ['#date', 'pid'],
        request: {
          method: ['http method'],
          target: ['URL'],
          status: ['HTTP status'],
          host: ['host'],
        },
        usual: [
          ...[
            '#date',
            'pid',
            'id',
            'http method',
            'host',
            'URL',
            'HTTP status',
            'size',
            'duration',
          ],
        ],
        time: '#date',
        duration: 'duration',
        durationUnit: unitDigits.ms,
        refuse: (bytes, columns, indexOf) =>
          isProcess(bytes, columns, indexOf('pid')) ? undefined : 'no request of this format',
      },
      options,
    ),
};

export const tsungCsv: LogFormat = {
  name: 'tsung-csv',
  title: 'Tsung after 1.7, dumptraffic="protocol"',
  example:
    '1464433871.361876,<0.94.0>,1,1464433871.123456,0,0.120,237.500,238.420,example.com,get,/,200,96,612,-,,,',
  resolution: '1 µs',
  moment: 'start',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: [','],
        required: ['date', 'pid', 'start'],
        request: {
          method: ['http_method'],
          target: ['relative_url'],
          status: ['http_status'],
          host: ['host'],
        },
        time: 'start',
        duration: 'duration',
        durationUnit: unitDigits.ms,
      },
      options,
    ),
};

export const ab: LogFormat = {
  name: 'ab',
  title: 'ab, -g',
  example: 'Sat May 28 11:11:11 2016\t1464433871\t1\t14\t15\t12',
  resolution: '1 s',
  moment: 'start',
  isStateful: true,
  parser: (options) =>
    new DelimitedParser(
      {
        delimiters: ['\t'],
        required: ['starttime', 'seconds', 'ttime'],
        request: {},
        time: 'seconds',
        duration: 'ttime',
        durationUnit: unitDigits.ms,
      },
      options,
    ),
};
