/**
 * Made logs: requests whose times are known, and a line for each of them as the program of a format
 * would write it.
 */
import { Random } from '@reto3/core/testing';

/** Epoch ns, as whole milliseconds and what is beyond them. */
export interface MadeRequest {
  readonly startMs: number;
  readonly startNs: number;
  readonly durationMs: number;
  readonly durationNs: number;
}

const firstMs = Date.parse('2016-05-28T11:00:00Z');
const nsPerMs = 1_000_000;

/** Requests of about 3,000/s, in the order of their ends, as most programs write them. */
export function madeRequests(count: number, seed: number): MadeRequest[] {
  const random = new Random(seed);
  let ms = firstMs;
  const requests = Array.from({ length: count }, () => {
    // Now and then a second without a request.
    ms += random.chance(0.000_02) ? 1_000 : random.below(3) === 0 ? 1 : 0;
    const durationMs = random.below(random.chance(0.05) ? 3_000 : 20);
    const [startNs, durationNs] = [random.below(nsPerMs), random.below(nsPerMs)];
    return { startMs: ms, startNs, durationMs, durationNs };
  });
  return requests.sort((a, b) => a.startMs + a.durationMs - b.startMs - b.durationMs);
}

/** Nanoseconds since the epoch, or of a duration, with a number of digits behind the second. */
interface Time {
  readonly ms: number;
  readonly ns: number;
}

function endOf({ startMs, startNs, durationMs, durationNs }: MadeRequest): Time {
  const ns = startNs + durationNs;
  return { ms: startMs + durationMs + Math.floor(ns / nsPerMs), ns: ns % nsPerMs };
}

/** So many digits of a second, cut and not rounded. */
function fraction({ ms, ns }: Time, digits: number): string {
  return `${String(ms % 1_000).padStart(3, '0')}${String(ns).padStart(6, '0')}`.slice(0, digits);
}

const seconds = (time: Time, digits: number): string =>
  `${Math.floor(time.ms / 1_000)}.${fraction(time, digits)}`;
const nanoseconds = (time: Time): string => `${Math.floor(time.ms / 1_000)}${fraction(time, 9)}`;
const dateAndTime = ({ ms }: Time): string => new Date(ms).toISOString().slice(0, 19);
const iso = (time: Time, digits: number): string =>
  `${dateAndTime(time)}${digits === 0 ? '' : '.'}${fraction(time, digits)}Z`;
const milliseconds = ({ ms, ns }: Time): string => `${ms}.${String(ns).padStart(6, '0')}`;

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
function clf(time: Time): string {
  const [date = '', clock = ''] = dateAndTime(time).split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${months[Number(month) - 1]}/${year}:${clock}`;
}

/** To a resolution: what a clock of so many digits shows. */
function shown({ ms, ns }: Time, digits: number): Time {
  const text = fraction({ ms, ns }, digits).padEnd(9, '0');
  return {
    ms: Math.floor(ms / 1_000) * 1_000 + Number(text.slice(0, 3)),
    ns: Number(text.slice(3)),
  };
}

interface Made {
  /** Lines before the first request. */
  readonly header?: readonly string[];
  /** Lines beside each request that are none. */
  readonly others?: readonly string[];
  /** The moments that the line has, as its clock shows them: the start where it can be known. */
  readonly counted: (start: Time, end: Time, duration: Time) => Time;
  readonly line: (start: Time, end: Time, duration: Time, index: number) => string;
}

const tail = '"GET /api/items/17 HTTP/1.1" 200 612 "-" "Mozilla/5.0 (X11; Linux)"';
const byStart =
  (digits: number) =>
  (start: Time): Time =>
    shown(start, digits);
const byEnd =
  (digits: number) =>
  (_: Time, end: Time): Time =>
    shown(end, digits);
/** The end less the duration, both as the log has them. */
const byDifference =
  (digits: number, durationDigits: number) =>
  (_: Time, end: Time, duration: Time): Time => {
    const [to, length] = [shown(end, digits), shown(duration, durationDigits)];
    const ns = to.ns - length.ns;
    return { ms: to.ms - length.ms - (ns < 0 ? 1 : 0), ns: (ns + nsPerMs) % nsPerMs };
  };

const relative = (start: Time): string => seconds({ ms: start.ms - firstMs, ns: start.ns }, 9);

const made: Readonly<Record<string, Made>> = {
  combined: {
    counted: byEnd(0),
    line: (_, end) => `192.0.2.7 - - [${clf(end)} +0000] ${tail}`,
  },
  nginx: {
    counted: byDifference(3, 3),
    line: (_, end, duration) =>
      `192.0.2.7 - - [${clf(end)} +0000] ${tail} ${seconds(end, 3)} ${seconds(duration, 3)}`,
  },
  apache: {
    counted: byStart(6),
    line: (start) => `192.0.2.7 - - [${clf(start)}.${fraction(start, 6)} +0000] ${tail}`,
  },
  'nginx-json': {
    counted: byDifference(3, 3),
    line: (_, end, duration) =>
      `{"msec":"${seconds(end, 3)}","request":"GET / HTTP/1.1","status":"200","request_time":"${seconds(duration, 3)}"}`,
  },
  haproxy: {
    counted: byStart(3),
    line: (start, _, duration) =>
      `192.0.2.7:53332 [${clf(start)}.${fraction(start, 3)}] web~ app/app1 0/0/7/14/${duration.ms} 200 612 - - ---- 2/1/0/0/0 0/0 "GET / HTTP/1.1"`,
  },
  envoy: {
    counted: byStart(3),
    line: (start, _, duration) =>
      `[${iso(start, 3)}] "GET / HTTP/2" 200 - 0 612 ${duration.ms} 3 "-" "curl/8.5.0" "cc21d9b0" "example.com" "198.51.100.2:80"`,
  },
  'envoy-json': {
    counted: byStart(3),
    line: (start, _, duration) =>
      `{":authority":"example.com","duration":${duration.ms},"method":"GET","response_code":200,"start_time":"${iso(start, 3)}"}`,
  },
  traefik: {
    counted: byStart(9),
    line: (start, _, duration) =>
      `{"ClientHost":"192.0.2.7","DownstreamStatus":200,"Duration":${nanoseconds(duration)},"RequestMethod":"GET","RequestPath":"/","StartLocal":"${iso(start, 9)}","StartUTC":"${iso(start, 9)}","level":"info","msg":"","time":"${iso(start, 0)}"}`,
  },
  'traefik-clf': {
    counted: byStart(0),
    line: (start, _, duration, index) =>
      `192.0.2.7 - - [${clf(start)} +0000] ${tail} ${index} "web@docker" "http://198.51.100.2:80" ${duration.ms}ms`,
  },
  caddy: {
    counted: byDifference(6, 9),
    others: ['{"level":"error","ts":1464433871.1,"logger":"http.log.error","msg":"refused"}'],
    line: (_, end, duration) =>
      `{"level":"info","ts":${seconds(end, 6)},"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","method":"GET","host":"example.com","uri":"/","headers":{"Accept":["*/*"]}},"bytes_read":0,"duration":${seconds(duration, 9)},"size":0,"status":200,"resp_headers":{"Server":["Caddy"]}}`,
  },
  alb: {
    counted: byStart(3),
    line: (start, end) =>
      `http ${iso(end, 6)} app/web/50 192.0.2.7:2817 198.51.100.2:80 0.000 0.001 0.000 200 200 34 612 "GET http://example.com:80/ HTTP/1.1" "curl/8.5.0" - - arn:aws:1 "Root=1" "-" "-" 0 ${iso(start, 3).replace('Z', '000Z')} "forward" "-" "-" "198.51.100.2:80" "200" "-" "-"`,
  },
  elb: {
    counted: byStart(6),
    line: (start, _, duration) =>
      `${iso(start, 6)} web 192.0.2.7:2817 198.51.100.2:80 0.000073 ${seconds(duration, 6)} 0.000057 200 200 0 29 "GET http://example.com:80/ HTTP/1.1" "curl/8.5.0" - -`,
  },
  cloudfront: {
    counted: byEnd(0),
    header: [
      '#Version: 1.0',
      '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status time-taken',
    ],
    line: (_, end, duration) =>
      `${dateAndTime(end).replace('T', '\t')}\tMAD50\t612\t192.0.2.7\tGET\texample.com\t/\t200\t${seconds(duration, 3)}`,
  },
  s3: {
    counted: byStart(0),
    line: (start, _, duration) =>
      `79a59df900b949e5 bucket [${clf(start)} +0000] 192.0.2.7 79a59df900b949e5 3E57 REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 612 612 ${duration.ms} 9 "-" "curl/8.5.0" -`,
  },
  cloudflare: {
    counted: byStart(9),
    line: (start, end) =>
      `{"ClientIP":"192.0.2.7","ClientRequestURI":"/","EdgeEndTimestamp":${nanoseconds(end)},"EdgeResponseStatus":200,"EdgeStartTimestamp":${nanoseconds(start)}}`,
  },
  'cloudflare-start': {
    counted: byStart(9),
    line: (start) => `{"ClientIP":"192.0.2.7","EdgeStartTimestamp":"${iso(start, 9)}"}`,
  },
  iis: {
    counted: byEnd(0),
    header: [
      '#Software: Microsoft Internet Information Services 10.0',
      '#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken',
    ],
    line: (_, end, duration) =>
      `${dateAndTime(end).replace('T', ' ')} 198.51.100.2 GET / - 200 ${duration.ms}`,
  },
  squid: {
    counted: byDifference(3, 3),
    line: (_, end, duration) =>
      `${seconds(end, 3)} ${String(duration.ms).padStart(6)} 192.0.2.7 TCP_MISS/200 612 GET http://example.com/ - HIER_DIRECT/198.51.100.2 text/html`,
  },
  zeek: {
    counted: byStart(6),
    header: ['#separator \\x09', '#fields\tts\tuid\tid.orig_h\tmethod\thost\turi'],
    line: (start) => `${seconds(start, 6)}\tCHhAvVGS1\t192.0.2.7\tGET\texample.com\t/`,
  },
  'zeek-json': {
    counted: byStart(6),
    line: (start) =>
      `{"ts":${seconds(start, 6)},"uid":"CHhAvVGS1","id.orig_h":"192.0.2.7","method":"GET","host":"example.com","uri":"/"}`,
  },
  k6: {
    counted: byEnd(9),
    others: [
      '{"metric":"http_req_duration","type":"Point","data":{"time":"2016-05-28T11:11:11Z","value":1.2}}',
    ],
    line: (_, end) =>
      `{"metric":"http_reqs","type":"Point","data":{"time":"${iso(end, 9)}","value":1,"tags":{"method":"GET","status":"200"}}}`,
  },
  'k6-csv': {
    counted: byEnd(0),
    header: ['metric_name,timestamp,metric_value,method,name,status'],
    others: ['http_req_duration,1464433871,2.500000,GET,http://example.com/,200'],
    line: (_, end) =>
      `http_reqs,${Math.floor(end.ms / 1_000)},1.000000,GET,http://example.com/,200`,
  },
  vegeta: {
    counted: byStart(9),
    line: (start, _, duration, index) =>
      `{"attack":"","seq":${index},"code":200,"timestamp":"${iso(start, 9)}","latency":${nanoseconds(duration)},"bytes_out":0,"bytes_in":612,"error":"","method":"GET","url":"http://example.com/"}`,
  },
  'vegeta-csv': {
    counted: byStart(9),
    line: (start, _, duration, index) =>
      `${nanoseconds(start)},200,${nanoseconds(duration)},0,612,,,,${index},GET,http://example.com/,`,
  },
  jmeter: {
    counted: byStart(3),
    header: [
      'timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,bytes,Latency',
    ],
    line: (start, _, duration) =>
      `${start.ms},${duration.ms},"Home, sweet",200,OK,Thread Group 1-1,true,612,${duration.ms}`,
  },
  'jmeter-xml': {
    counted: byStart(3),
    header: ['<?xml version="1.0" encoding="UTF-8"?>', '<testResults version="1.2">'],
    line: (start, _, duration) =>
      `<httpSample t="${duration.ms}" lt="14" ct="2" ts="${start.ms}" s="true" lb="Home" rc="200" rm="OK" tn="Thread Group 1-1"/>`,
  },
  gatling: {
    counted: byStart(3),
    header: ['RUN\tPerfTest\t\tgatling-1\t1464433871000\t \t3.5.1'],
    others: ['USER\tAll\tSTART\t1464433871000\t1464433871000'],
    line: (start, end) => `REQUEST\t\thome\t${start.ms}\t${end.ms}\tOK\t `,
  },
  locust: {
    counted: byStart(6),
    header: ['start_time,request_type,name,response_time,response_length'],
    line: (start, _, duration) => `${seconds(start, 6)},GET,/,${milliseconds(duration)},612`,
  },
  hey: {
    counted: byStart(4),
    header: [
      'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset',
    ],
    line: (start, _, duration) =>
      `${seconds(duration, 4)},0.0047,0.0042,0.0001,0.0019,0.0001,200,${relative(start).slice(0, -5)}`,
  },
  oha: {
    counted: byStart(9),
    header: ['request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status'],
    line: (start, _, duration) =>
      `${relative(start)},0.000374078,0.001148565,0.002619327,${seconds(duration, 9)},11,200`,
  },
  tsung: {
    counted: byDifference(6, 6),
    header: [
      '#date;pid;id;http method;host;URL;HTTP status;size;duration;transaction;match;error;tag',
    ],
    line: (_, end, duration) =>
      `${seconds(end, 6)};<0.94.0>;1;get;example.com;/;200;612;${milliseconds(duration).slice(0, -3)};-;;;`,
  },
  otlp: {
    counted: byStart(9),
    line: (start) =>
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"${nanoseconds(start)}","body":{"stringValue":"GET /"}}]}]}]}`,
  },
};

export interface MadeLog {
  readonly text: string;
  readonly lines: number;
  /** When the run began, of relative times. */
  readonly startMs: number;
  /** The moments that are counted, epoch ms, each of a message. */
  readonly times: readonly number[];
}

/** The log of these requests in a format, by its name. */
export function madeLog(format: string, requests: readonly MadeRequest[]): MadeLog {
  const form = made[format];
  if (form === undefined) throw new Error(`BUG: no log of format ${format} can be made`);
  const lines = [...(form.header ?? [])];
  const times: number[] = [];
  for (const [index, request] of requests.entries()) {
    const start = { ms: request.startMs, ns: request.startNs };
    const duration = { ms: request.durationMs, ns: request.durationNs };
    const end = endOf(request);
    lines.push(form.line(start, end, duration, index));
    // A blank, a cut and a foreign line here and there.
    if (index % 1_000 === 999) lines.push('', 'x', ...(form.others ?? []));
    times.push(form.counted(start, end, duration).ms);
  }
  return { text: `${lines.join('\n')}\n`, lines: lines.length, startMs: firstMs, times };
}
