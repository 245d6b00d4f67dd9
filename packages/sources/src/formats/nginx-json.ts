/**
 * nginx and others, JSON of one's own making (nginx: `log_format … escape=json`). The keys are up to
 * the configuration; the first of each list that has a value is taken.
 *
 * A line is a request if it has a status of three digits, a request line or path, or a key of
 * `targetKeys`. With a level or a severity it is a message of a program, unless it has both a target
 * and a status (programs that log their requests), or a severity and a request line.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { type JsonLine, jsonParser } from './json-log.ts';

const timeKeys = [
  ...['msec', 'timestamp', '@timestamp', 'time', 'ts', 'date', 'time_iso8601', 'time_local'],
];
const statusKeys = ['status', 'status_code', 'statusCode', 'response_code', 'response_status'];
const targetKeys = ['request_method', 'method', 'request_uri', 'uri'];
const named: PartNames = {
  line: ['request'],
  method: ['request_method', 'method', 'http_method'],
  target: ['request_uri', 'uri', 'url', 'path'],
  status: [...statusKeys, 'response'],
  host: ['host', 'http_host', 'server_name', 'vhost', 'domain'],
  client: ['remote_addr', 'client', 'client_ip', 'clientip', 'remote_ip', 'ip'],
  agent: ['http_user_agent', 'user_agent', 'agent'],
};
const keys = [
  ...timeKeys,
  ...statusKeys,
  ...targetKeys,
  ...['level', 'severity', 'request', 'request_time'],
];
const indexesOf = (names: readonly string[]): readonly number[] =>
  names.map((name) => keys.indexOf(name));
const times = indexesOf(timeKeys);
const statuses = indexesOf(statusKeys);
const targets = indexesOf(targetKeys);
const level = keys.indexOf('level');
const severity = keys.indexOf('severity');
const request = keys.indexOf('request');
const requestTime = keys.indexOf('request_time');

function isRequest(line: JsonLine): boolean {
  // Caddy's errors have the request as an object, and a status.
  if (line.has(level)) return line.hasAny(targets) && hasStatusOf(line);
  if (line.isRequestLine(request)) return true;
  const hasTarget = line.hasAny(targets) || line.isPathOrObject(request);
  const hasStatus = hasStatusOf(line);
  return line.has(severity) ? hasTarget && hasStatus : hasTarget || hasStatus;
}

function hasStatusOf(line: JsonLine): boolean {
  for (const key of statuses) if (line.isStatus(key)) return true;
  return false;
}

export const nginxJson: LogFormat = {
  name: 'nginx-json',
  title: 'nginx, JSON with $msec, $time_iso8601 or $time_local',
  example:
    '{"msec":"1464433871.123","request":"GET / HTTP/1.1","status":"200","request_time":"0.004"}',
  resolution: '1 ms with $msec, else 1 s',
  moment: 'end',
  isGeneral: true,
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!isRequest(line)) return 'no request of this format';
      if (!line.readFirstTime(times, stamp)) return 'no time that can be read';
      line.readDuration(requestTime, stamp);
      return undefined;
    }),
};
