/** Lines of web servers and proxies that write text. */
import { firstMs } from './made-request.ts';
import {
  byDifference,
  byEnd,
  byStart,
  clf,
  ctime,
  dateAndTime,
  fraction,
  iso,
  type Made,
  seconds,
  type Time,
  type Written,
} from './made-times.ts';

const httpOf = ({ method, target }: Written): string => `"${method} ${target} HTTP/1.1"`;
const upstreamOf = ({ index }: Written): string => `198.51.100.${1 + (index % 9)}:8080`;
const urlOf = ({ host, target }: Written): string => `http://${host}${target}`;
/** Everything but the time of NCSA's combined form. */
export const combinedWith = (line: Written, time: string): string =>
  `${line.client} - - [${time} +0000] ${httpOf(line)} ${line.status} ${line.bytes} "${line.referer}" "${line.agent}"`;
/** 8 digits that differ from line to line. */
const idOf = ({ index }: Written): string =>
  (Math.imul(index + 1, 0x9e_37_79_b1) >>> 0).toString(16).padStart(8, '0');
const threadOf = (time: Time): number => Math.floor((time.ms - firstMs) % 97);

export const textLines: Readonly<Record<string, Made>> = {
  combined: { counted: byEnd(0), line: (line) => combinedWith(line, clf(line.end)) },
  nginx: {
    counted: byDifference(3, 3),
    line: (line) =>
      `${combinedWith(line, clf(line.end))} ${seconds(line.end, 3)} ${seconds(line.duration, 3)}`,
  },
  apache: {
    counted: byStart(6),
    line: (line) => combinedWith(line, `${clf(line.start)}.${fraction(line.start, 6)}`),
  },
  haproxy: {
    counted: byStart(3),
    line: (line) =>
      `${line.client}:${line.port} [${clf(line.start)}.${fraction(line.start, 3)}] web~ app/app${1 + (line.index % 3)} 0/0/${line.index % 3}/${line.duration.ms}/${line.duration.ms} ${line.status} ${line.bytes} - - ---- ${threadOf(line.start)}/${threadOf(line.end)}/0/0/0 0/0 ${httpOf(line)}`,
  },
  envoy: {
    counted: byStart(3),
    line: (line) =>
      `[${iso(line.start, 3)}] "${line.method} ${line.target} HTTP/2" ${line.status} ${line.status < 499 ? '-' : 'UF'} ${line.index % 400} ${line.bytes} ${line.duration.ms} ${line.duration.ms} "${line.client}" "${line.agent}" "${idOf(line)}-2d5c-49fe-bd89-104e9b61770b" "${line.host}" "${upstreamOf(line)}"`,
  },
  access: {
    counted: byEnd(3),
    line: (line) =>
      `${iso(line.end, 3)} INFO ${line.client}:${line.port} ${httpOf(line)} ${line.status} ${line.bytes}`,
  },
  'traefik-clf': {
    counted: byStart(0),
    line: (line) =>
      `${combinedWith(line, clf(line.start))} ${line.index} "web@docker" "http://${upstreamOf(line)}" ${line.duration.ms}ms`,
  },
  alb: {
    counted: byStart(3),
    line: (line) =>
      `https ${iso(line.end, 6)} app/web/50dc6c495c0c9188 ${line.client}:${line.port} ${upstreamOf(line)} 0.000 ${seconds(line.duration, 3)} 0.000 ${line.status} ${line.status} ${line.index % 900} ${line.bytes} "${line.method} https://${line.host}:443${line.target} HTTP/1.1" "${line.agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-${idOf(line)}-36d228ad5d99923122bbe354" "${line.host}" "-" 0 ${iso(line.start, 3).replace('Z', '000Z')} "forward" "-" "-" "${upstreamOf(line)}" "${line.status}" "-" "-"`,
  },
  elb: {
    counted: byStart(6),
    line: (line) =>
      `${iso(line.start, 6)} web ${line.client}:${line.port} ${upstreamOf(line)} 0.000073 ${seconds(line.duration, 6)} 0.000057 ${line.status} ${line.status} ${line.index % 900} ${line.bytes} "${line.method} http://${line.host}:80${line.target} HTTP/1.1" "${line.agent}" - -`,
  },
  cloudfront: {
    counted: byEnd(0),
    header: [
      '#Version: 1.0',
      '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status time-taken',
    ],
    line: (line) =>
      `${dateAndTime(line.end).replace('T', '\t')}\tMAD50-C${line.index % 4}\t${line.bytes}\t${line.client}\t${line.method}\t${line.host}\t${line.path}\t${line.status}\t${seconds(line.duration, 3)}`,
  },
  s3: {
    counted: byStart(0),
    line: (line) =>
      `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be bucket [${clf(line.start)} +0000] ${line.client} - ${idOf(line).toUpperCase()} REST.GET.OBJECT ${line.path.slice(1)} ${httpOf(line)} ${line.status} - ${line.bytes} ${line.bytes} ${line.duration.ms} ${line.index % 90} "${line.referer}" "${line.agent}" -`,
  },
  iis: {
    counted: byEnd(0),
    header: [
      '#Software: Microsoft Internet Information Services 10.0',
      '#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status time-taken',
    ],
    line: (line) =>
      `${dateAndTime(line.end).replace('T', ' ')} 198.51.100.2 ${line.method} ${line.path} ${line.target.slice(line.path.length + 1) || '-'} 443 ${line.client} ${line.agent.replaceAll(' ', '+')} ${line.status} ${line.duration.ms}`,
  },
  'nginx-proxy-manager': {
    counted: byEnd(0),
    others: () => [
      '2016/05/28 11:11:11 [error] 7#7: *1 connect() failed, request: "GET / HTTP/1.1"',
    ],
    line: (line) =>
      `[${clf(line.end)} +0000] - ${line.status} ${line.status} - ${line.method} https ${line.host} "${line.target}" [Client ${line.client}] [Length ${line.bytes}] [Gzip -] [Sent-to ${upstreamOf(line)}] "${line.agent}" "${line.referer}"`,
  },
  rails: {
    counted: byStart(6),
    others: () => ['Completed 200 OK in 41ms (Views: 18.7ms | ActiveRecord: 0.0ms)'],
    line: (line) =>
      `I, [${iso(line.start, 6).slice(0, -1)} #7]  INFO -- : [${idOf(line)}] Started ${line.method} "${line.target}" for ${line.client} at ${dateAndTime(line.start).replace('T', ' ')} +0000`,
  },
  uwsgi: {
    counted: byStart(0),
    others: () => ['spawned uWSGI worker 1 (pid: 7, cores: 1)'],
    line: (line) =>
      `[pid: ${line.index % 9}|app: 0|req: ${line.index}/${line.index}] ${line.client} () {38 vars in ${line.index % 900} bytes} [${ctime(line.start)}] ${line.method} ${line.target} => generated ${line.bytes} bytes in ${line.duration.ms} msecs (HTTP/1.1 ${line.status}) 9 headers in 378 bytes (1 switches on core 3)`,
  },
  ltsv: {
    counted: byDifference(3, 3),
    line: (line) =>
      `time:${clf(line.end)} +0000\tmsec:${seconds(line.end, 3)}\thost:${line.client}\treq:${line.method} ${line.target} HTTP/1.1\tstatus:${line.status}\tsize:${line.bytes}\treferer:${line.referer}\tua:${line.agent}\treqtime:${seconds(line.duration, 3)}\tvhost:${line.host}`,
  },
  logfmt: {
    counted: byEnd(9),
    others: () => ['time="2016-05-28T11:11:11Z" level=info msg="listening" port=8080'],
    line: (line) =>
      `time="${iso(line.end, 9)}" level=info msg="request completed" method=${line.method} path="${line.target}" status=${line.status} remote_addr=${line.client} duration=${line.duration.ms}ms`,
  },
  heroku: {
    counted: byDifference(6, 3),
    others: () => ['2016-05-28T11:11:11.123456+00:00 app[web.1]: listening on port=8080'],
    line: (line) =>
      `${iso(line.end, 6).replace('Z', '+00:00')} heroku[router]: at=info method=${line.method} path="${line.target}" host=${line.host} request_id=${idOf(line)} fwd="${line.client}" dyno=web.${line.index % 9} connect=0ms service=${line.duration.ms}ms status=${line.status} bytes=${line.bytes} protocol=https`,
  },
  squid: {
    counted: byDifference(3, 3),
    line: (line) =>
      `${seconds(line.end, 3)} ${String(line.duration.ms).padStart(6)} ${line.client} TCP_${line.index % 3 === 0 ? 'HIT' : 'MISS'}/${line.status} ${line.bytes} ${line.method} ${urlOf(line)} - HIER_DIRECT/${upstreamOf(line).split(':')[0]} text/html`,
  },
  zeek: {
    counted: byStart(6),
    header: [
      '#separator \\x09',
      '#fields\tts\tuid\tid.orig_h\tid.orig_p\tmethod\thost\turi\tuser_agent\tstatus_code',
    ],
    line: (line) =>
      `${seconds(line.start, 6)}\tC${idOf(line)}\t${line.client}\t${line.port}\t${line.method}\t${line.host}\t${line.target}\t${line.agent}\t${line.status}`,
  },
};
