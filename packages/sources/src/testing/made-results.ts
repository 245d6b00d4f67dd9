/** Lines of load generators. A run asks for a few things again and again. */
import { firstMs } from './made-request.ts';
import {
  byDifference,
  byEnd,
  byStart,
  fraction,
  iso,
  type Made,
  milliseconds,
  nanoseconds,
  seconds,
  shortNanoseconds,
  type Time,
  type Written,
  wholeSeconds,
} from './made-times.ts';

const steps = ['Home', 'Log in, then wait', 'Search', 'Item', 'Order'];
const stepOf = ({ index }: Written): string => steps[index % steps.length] ?? '';
/** A field of CSV, in quotes where it needs them. */
const field = (text: string): string => (text.includes(',') ? `"${text}"` : text);
const urlOf = ({ index }: Written): string => `https://shop.example/items/${index % 40}?a=1`;
const isGood = ({ status }: Written): boolean => status < 400;
const threadOf = ({ index }: Written): string => `Thread Group 1-${1 + (index % 112)}`;
export const microseconds = ({ ms, ns }: Time): number => ms * 1_000 + Math.floor(ns / 1_000);
const relative = ({ start: { ms, ns } }: Written): string => seconds({ ms: ms - firstMs, ns }, 9);

export const jmeterHeader: readonly string[] = [
  ...['timeStamp', 'elapsed', 'label', 'responseCode', 'responseMessage', 'threadName', 'success'],
  ...['bytes', 'grpThreads', 'allThreads', 'Latency', 'Hostname', 'Connect'],
];

/** @param time of its start */
export function jmeterFields(line: Written, time: string): readonly string[] {
  const { duration, status, bytes, index } = line;
  const message = isGood(line) ? 'OK' : 'Internal Server Error';
  return [
    ...[time, String(duration.ms), stepOf(line), String(status), message, threadOf(line)],
    ...[String(isGood(line)), String(bytes), '112', '112', String(duration.ms), 'host-1'],
    String(index % 900),
  ];
}

export const resultLines: Readonly<Record<string, Made>> = {
  k6: {
    counted: byEnd(9),
    others: () => [
      '{"metric":"http_req_duration","type":"Point","data":{"time":"2016-05-28T11:11:11Z","value":1.2}}',
    ],
    line: (line) =>
      `{"metric":"http_reqs","type":"Point","data":{"time":"${iso(line.end, 9)}","value":1,"tags":{${isGood(line) ? '' : `"error_code":"1${line.status}",`}"expected_response":"${isGood(line)}","group":"","method":"${line.method}","name":"${urlOf(line)}","proto":"HTTP/2.0","scenario":"default","status":"${line.status}","tls_version":"tls1.3","url":"${urlOf(line)}"}}}`,
  },
  'k6-csv': {
    counted: byEnd(0),
    header: [
      'metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata',
    ],
    others: () => [
      'http_req_duration,1464433871,2.500000,,,,true,,GET,http://example.com/,HTTP/1.1,default,,200,,,http://example.com/,,',
    ],
    line: (line) =>
      `http_reqs,${wholeSeconds(line.end)},1.000000,,,${isGood(line) ? '' : `1${line.status}`},${isGood(line)},,${line.method},${urlOf(line)},HTTP/2.0,default,,${line.status},,tls1.3,${urlOf(line)},,`,
  },
  vegeta: {
    counted: byStart(9),
    line: (line) =>
      `{"attack":"","seq":${line.index},"code":${line.status},"timestamp":"${iso(line.start, 9)}","latency":${shortNanoseconds(line.duration)},"bytes_out":0,"bytes_in":${line.bytes},"error":"${isGood(line) ? '' : `${line.status} Not served`}","body":null,"method":"${line.method}","url":"${urlOf(line)}","headers":{"Content-Length":["${line.bytes}"],"Content-Type":["text/html"],"Date":["Sat, 28 May 2016 11:11:11 GMT"]}}`,
  },
  'vegeta-csv': {
    counted: byStart(9),
    line: (line) =>
      `${nanoseconds(line.start)},${line.status},${shortNanoseconds(line.duration)},0,${line.bytes},${isGood(line) ? '' : `${line.status} Not served`},,,${line.index},${line.method},${urlOf(line)},`,
  },
  jmeter: {
    counted: byStart(3),
    header: [jmeterHeader.join()],
    line: (line) => jmeterFields(line, String(line.start.ms)).map(field).join(),
  },
  'jmeter-xml': {
    counted: byStart(3),
    header: ['<?xml version="1.0" encoding="UTF-8"?>', '<testResults version="1.2">'],
    line: (line) =>
      `<httpSample t="${line.duration.ms}" lt="${line.duration.ms}" ct="2" ts="${line.start.ms}" s="${isGood(line)}" lb="${stepOf(line)}" rc="${line.status}" rm="OK" tn="${threadOf(line)}"/>`,
  },
  gatling: {
    counted: byStart(3),
    header: ['RUN\tPerfTest\t\tgatling-1\t1464433871000\t \t3.5.1'],
    others: () => ['USER\tAll\tSTART\t1464433871000\t1464433871000'],
    line: (line) =>
      `REQUEST\t\t${stepOf(line)}\t${line.start.ms}\t${line.end.ms}\t${isGood(line) ? 'OK\t ' : `KO\tstatus.find.is(200), found ${line.status}`}`,
  },
  locust: {
    counted: byStart(6),
    header: ['start_time,request_type,name,response_time,response_length'],
    line: (line) =>
      `${seconds(line.start, 6)},${line.method},${line.path},${milliseconds(line.duration)},${line.bytes}`,
  },
  hey: {
    counted: byStart(4),
    header: [
      'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset',
    ],
    line: (line) =>
      `${seconds(line.duration, 4)},0.0047,0.0042,0.0001,${seconds(line.duration, 4)},0.0001,${line.status},${relative(line).slice(0, -5)}`,
  },
  oha: {
    counted: byStart(9),
    header: ['request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status'],
    line: (line) =>
      `${relative(line)},0.000374078,0.001148565,${seconds(line.duration, 9)},${seconds(line.duration, 9)},${line.bytes},${line.status}`,
  },
  tsung: {
    counted: byDifference(6, 6),
    header: [
      '#date;pid;id;http method;host;URL;HTTP status;size;duration;transaction;match;error;tag',
    ],
    line: (line) =>
      `${seconds(line.end, 6)};<0.${94 + (line.index % 500)}.0>;${line.index % 500};${line.method.toLowerCase()};${line.host};${line.target};${line.status};${line.bytes};${milliseconds(line.duration).slice(0, -3)};-;;;`,
  },
  'tsung-csv': {
    counted: byStart(6),
    header: [
      'date,pid,id,start,connect,request_duration,time_to_first_byte,duration,host,http_method,relative_url,http_status,request_size,response_size,transaction,match,error,tag',
    ],
    line: (line) =>
      `${seconds(line.end, 6)},<0.${94 + (line.index % 500)}.0>,${line.index % 500},${seconds(line.start, 6)},0,0.120,${milliseconds(line.duration)},${milliseconds(line.duration)},${line.host},${line.method.toLowerCase()},${line.target},${line.status},96,${line.bytes},-,,,`,
  },
  ab: {
    counted: byStart(0),
    header: ['starttime\tseconds\tctime\tdtime\tttime\twait'],
    line: ({ start, duration: { ms } }) =>
      `Sat May 28 11:11:11 2016\t${wholeSeconds(start)}\t0\t${ms}\t${ms}\t${ms}`,
  },
  h2load: {
    counted: byStart(6),
    line: (line) =>
      `${wholeSeconds(line.start)}${fraction(line.start, 6)}\t${line.status}\t${microseconds(line.duration)}`,
  },
  phout: {
    counted: byStart(3),
    line: (line) => {
      const all = microseconds(line.duration);
      return `${seconds(line.start, 3)}\t${stepOf(line)}#${line.index}\t${all}\t0\t35\t${all}\t125\t0\t96\t${line.bytes}\t0\t${line.status}`;
    },
  },
  fortio: {
    counted: byStart(9),
    line: (line) =>
      `{"latency":${seconds(line.duration, 6)},"timestamp":${nanoseconds(line.start)},"thread":${line.index % 8},"ok":${isGood(line)},"details":"${line.status}"}`,
  },
  ghz: {
    counted: byDifference(9, 9),
    line: (line) =>
      `ghz_detail,call="shop.Cart.${line.method}",host="${line.host}:50051",n=200000,c=50,hasError=${!isGood(line)} latency=${shortNanoseconds(line.duration)},error="",status="OK" ${nanoseconds(line.end)}`,
  },
};
