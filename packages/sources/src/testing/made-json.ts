/** Lines of web servers and proxies that write JSON: their keys, and which of them vary. */
import {
  byDifference,
  byEnd,
  byStart,
  clf,
  iso,
  type Made,
  nanoseconds,
  seconds,
  shortNanoseconds,
  shortSeconds,
  type Written,
} from './made-times.ts';

const text = (value: string): string => JSON.stringify(value);
const orNull = (value: string): string => (value === '-' ? 'null' : text(value));
const idOf = ({ index, port }: Written): string =>
  `${(Math.imul(index + 1, 0x9e_37_79_b1) >>> 0).toString(16).padStart(8, '0')}-2d5c-${port}`;

/** Headers of a request: browsers send more than programs. */
function headersOf({ agent, referer, client, index }: Written): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [
    ['User-Agent', agent],
    ['Accept', index % 3 === 0 ? 'text/html,application/xml;q=0.9,*/*;q=0.8' : '*/*'],
    ['X-Forwarded-For', client],
  ];
  if (agent.startsWith('Mozilla'))
    headers.push(
      ['Accept-Encoding', 'gzip, deflate, br, zstd'],
      ['Accept-Language', 'en-US,en;q=0.5'],
      ['Sec-Fetch-Mode', 'navigate'],
      ['Sec-Fetch-Site', 'none'],
    );
  if (referer !== '-') headers.push(['Referer', referer]);
  if (index % 5 === 0) headers.push(['If-None-Match', `"ddnp8sh5vg${index % 97}"`]);
  return headers;
}

/** Maps in Go have no order: each line begins with another key. */
function inAnyOrder<T>(all: readonly T[], { index }: Written): T[] {
  const first = index % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

const listsOf = (headers: readonly (readonly [string, string])[]): string =>
  headers.map(([name, value]) => `${text(name)}:[${text(value)}]`).join(',');

/** Traefik sorts its keys. */
function traefikLine(line: Written): string {
  const { client, port, status, bytes, duration, index, host, method, target, start } = line;
  const length: [string, string][] = status === 304 ? [] : [['Content-Length', String(bytes)]];
  const answer: [string, string][] = [...length, ['Content-Type', 'text/plain; charset=utf-8']];
  const prefixed = (prefix: string, headers: readonly (readonly [string, string])[]): string =>
    headers
      .map(([name, value]) => `"${prefix}_${name}":${text(value)},`)
      .sort()
      .join('');
  return (
    `{"ClientAddr":"${client}:${port}","ClientHost":"${client}","ClientPort":"${port}","ClientUsername":"-",` +
    `"DownstreamContentSize":${bytes},"DownstreamStatus":${status},"Duration":${shortNanoseconds(duration)},` +
    `"OriginContentSize":${bytes},"OriginDuration":${shortNanoseconds(duration)},"OriginStatus":${status},"Overhead":${index % 90_000},` +
    `"RequestAddr":"${host}","RequestContentSize":0,"RequestCount":${index},"RequestHost":"${host}","RequestMethod":"${method}",` +
    `"RequestPath":"${target}","RequestPort":"-","RequestProtocol":"HTTP/1.1","RequestScheme":"http","RetryAttempts":0,` +
    `"RouterName":"web@docker","ServiceAddr":"198.51.100.2:80","ServiceName":"web@docker","ServiceURL":"http://198.51.100.2:80",` +
    `"StartLocal":"${iso(start, 9)}","StartUTC":"${iso(start, 9)}",${prefixed('downstream', answer)}"entryPointName":"http",` +
    `"level":"info","msg":"",${prefixed('origin', answer)}${prefixed('request', headersOf(line))}"time":"${iso(start, 0)}"}`
  );
}

/** @param time of its end @param duration both as values of JSON */
export function caddyLine(line: Written, time: string, duration: string): string {
  const { client, port, method, host, target, index, bytes, status } = line;
  const length: [string, string][] = status === 200 ? [['Content-Length', String(bytes)]] : [];
  const answered: [string, string][] = [
    ['Server', 'Caddy'],
    ['Vary', 'Accept-Encoding'],
    ['Etag', `"ddnp8sh5vg${index % 97}"`],
    ...length,
  ];
  return (
    `{"level":"info","ts":${time},"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"${client}",` +
    `"remote_port":"${port}","client_ip":"${client}","proto":"HTTP/1.1","method":"${method}","host":"${host}","uri":"${target}",` +
    `"headers":{${listsOf(inAnyOrder(headersOf(line), line))}}},"bytes_read":${index % 900},"user_id":"","duration":${duration},` +
    `"size":${bytes},"status":${status},"resp_headers":{${listsOf(inAnyOrder(answered, line))}}}`
  );
}

export const jsonLines: Readonly<Record<string, Made>> = {
  'nginx-json': {
    counted: byDifference(3, 3),
    line: (line) =>
      `{"time_local":"${clf(line.end)} +0000","msec":"${seconds(line.end, 3)}","remote_addr":"${line.client}","remote_port":"${line.port}","request_method":"${line.method}","request_uri":"${line.target}","server_protocol":"HTTP/1.1","host":"${line.host}","status":"${line.status}","body_bytes_sent":"${line.bytes}","request_time":"${seconds(line.duration, 3)}","upstream_response_time":"${seconds(line.duration, 3)}","http_referer":${text(line.referer)},"http_user_agent":${text(line.agent)}}`,
  },
  'envoy-json': {
    counted: byStart(3),
    line: (line) =>
      `{":authority":"${line.host}","bytes_received":${line.index % 900},"bytes_sent":${line.bytes},"connection_termination_details":null,"downstream_remote_address":"${line.client}:${line.port}","duration":${line.duration.ms},"method":"${line.method}","protocol":"HTTP/2","requested_server_name":${line.index % 3 === 0 ? 'null' : text(line.host)},"response_code":${line.status},"response_code_details":"via_upstream","response_flags":"-","route_name":"httproute/app/rule/0/match/0","start_time":"${iso(line.start, 3)}","upstream_cluster":"httproute/app/rule/0","upstream_host":"198.51.100.2:8080","user-agent":${orNull(line.agent)},"x-envoy-origin-path":"${line.target}","x-forwarded-for":"${line.client}","x-request-id":"${idOf(line)}"}`,
  },
  traefik: { counted: byStart(9), line: traefikLine },
  caddy: {
    counted: byDifference(6, 9),
    others: () => ['{"level":"error","ts":1464433871.1,"logger":"http.log.error","msg":"refused"}'],
    line: (line) => caddyLine(line, shortSeconds(line.end, 6), shortSeconds(line.duration, 9)),
  },
  cloudflare: {
    counted: byStart(9),
    line: (line) =>
      `{"ClientIP":"${line.client}","ClientRequestHost":"${line.host}","ClientRequestMethod":"${line.method}","ClientRequestURI":"${line.target}","ClientRequestUserAgent":${text(line.agent)},"ClientRequestReferer":${text(line.referer)},"EdgeEndTimestamp":${nanoseconds(line.end)},"EdgeResponseBytes":${line.bytes},"EdgeResponseStatus":${line.status},"EdgeStartTimestamp":${nanoseconds(line.start)},"RayID":"${idOf(line)}","CacheCacheStatus":"${line.index % 3 === 0 ? 'miss' : 'hit'}","ClientCountry":"US","EdgeColoCode":"SEA","FirewallMatchesActions":[]}`,
  },
  'cloudflare-start': {
    counted: byStart(9),
    line: (line) =>
      `{"ClientIP":"${line.client}","ClientRequestHost":"${line.host}","ClientRequestURI":"${line.target}","ClientRequestUserAgent":${text(line.agent)},"EdgeResponseStatus":${line.status},"EdgeStartTimestamp":"${iso(line.start, 9)}","RayID":"${idOf(line)}"}`,
  },
  gcp: {
    counted: byStart(6),
    others: () => ['{"insertId":"1","textPayload":"ready","timestamp":"2016-05-28T11:11:11.1Z"}'],
    line: (line) =>
      `{"insertId":"${idOf(line)}","jsonPayload":{"statusDetails":"response_sent_by_backend"},"httpRequest":{"requestMethod":"${line.method}","requestUrl":"https://${line.host}${line.target}","requestSize":"${line.index % 900}","status":${line.status},"responseSize":"${line.bytes}","userAgent":${text(line.agent)},"remoteIp":"${line.client}","latency":"${seconds(line.duration, 6)}s"},"resource":{"type":"http_load_balancer"},"timestamp":"${iso(line.start, 6)}","severity":"INFO"}`,
  },
  'aws-json': {
    counted: byStart(3),
    line: (line) =>
      `{"requestId":"${idOf(line)}","ip":"${line.client}","requestTime":"${clf(line.start)} +0000","requestTimeEpoch":"${line.start.ms}","httpMethod":"${line.method}","path":${text(line.path)},"status":"${line.status}","protocol":"HTTP/1.1","responseLength":"${line.bytes}","domainName":"${line.host}"}`,
  },
  azure: {
    counted: byDifference(7, 3),
    others: () => [
      '{"category":"FrontDoorWebApplicationFirewallLog","properties":{"requestUri":"/","action":"Log"},"time":"2016-05-28T11:11:11.1234567Z"}',
    ],
    line: (line) =>
      `{"category":"FrontDoorAccessLog","operationName":"Microsoft.Cdn/Profiles/AccessLog/Write","properties":{"clientIp":"${line.client}","clientPort":"${line.port}","httpMethod":"${line.method}","httpStatusCode":"${line.status}","requestUri":${text(`https://${line.host}:443${line.target}`)},"responseBytes":"${line.bytes}","timeTaken":"${seconds(line.duration, 3)}","trackingReference":"${idOf(line)}","userAgent":${text(line.agent)}},"time":"${iso(line.end, 7)}"}`,
  },
  suricata: {
    counted: byEnd(6),
    others: () => [
      '{"timestamp":"2016-05-28T11:11:11.123456+0000","event_type":"dns","src_ip":"192.0.2.7"}',
    ],
    line: (line) =>
      `{"timestamp":"${iso(line.end, 6).replace('Z', '+0000')}","flow_id":${line.index},"event_type":"http","src_ip":"${line.client}","src_port":${line.port},"dest_ip":"198.51.100.2","dest_port":80,"proto":"TCP","http":{"hostname":"${line.host}","url":${text(line.target)},"http_user_agent":${text(line.agent)},"http_method":"${line.method}","protocol":"HTTP/1.1","status":${line.status},"length":${line.bytes}}}`,
  },
  pino: {
    counted: byDifference(3, 3),
    others: () => ['{"level":30,"time":1464433871123,"pid":7,"hostname":"web1","msg":"listening"}'],
    line: (line) =>
      `{"level":30,"time":${line.end.ms},"pid":7,"hostname":"web1","req":{"id":${line.index},"method":"${line.method}","url":${text(line.target)},"headers":{"host":"${line.host}","user-agent":${text(line.agent)}},"remoteAddress":"${line.client}","remotePort":${line.port}},"res":{"statusCode":${line.status},"headers":{"content-length":"${line.bytes}"}},"responseTime":${line.duration.ms},"msg":"request completed"}`,
  },
  'zeek-json': {
    counted: byStart(6),
    line: (line) =>
      `{"ts":${shortSeconds(line.start, 6)},"uid":"C${idOf(line)}","id.orig_h":"${line.client}","id.orig_p":${line.port},"id.resp_h":"198.51.100.2","id.resp_p":80,"trans_depth":1,"method":"${line.method}","host":"${line.host}","uri":"${line.target}",${line.referer === '-' ? '' : `"referrer":${text(line.referer)},`}"user_agent":${text(line.agent)},"status_code":${line.status},"tags":[]}`,
  },
  otlp: {
    wrapper: 'OTLP',
    counted: byStart(9),
    line: (line) =>
      `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"${nanoseconds(line.start)}","severityText":"INFO","body":{"stringValue":"${line.method} ${line.target}"},"attributes":[{"key":"http.response.status_code","value":{"intValue":"${line.status}"}},{"key":"user_agent.original","value":{"stringValue":${text(line.agent)}}}]}]}]}]}`,
  },
};
