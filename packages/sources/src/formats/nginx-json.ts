/**
 * nginx, JSON of one's own making (`log_format … escape=json`). The keys are up to the
 * configuration; these are taken: for the time, in this order, `msec`, `timestamp`, `@timestamp`,
 * `time`, `ts`, `time_iso8601`, `time_local`; for the duration in seconds, `request_time`. A line is
 * a request where it has `status`, `request`, `request_method`, `method`, `request_uri` or `uri`,
 * and no `level`: with that, another program's messages are among the lines.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { jsonParser } from './json-log.ts';

const timeKeys = ['msec', 'timestamp', '@timestamp', 'time', 'ts', 'time_iso8601', 'time_local'];
const requestKeys = ['status', 'request', 'request_method', 'method', 'request_uri', 'uri'];
const named: PartNames = {
  line: ['request'],
  method: ['request_method', 'method'],
  target: ['request_uri', 'uri'],
  status: ['status'],
  host: ['host', 'http_host', 'server_name'],
  client: ['remote_addr', 'client', 'client_ip'],
  agent: ['http_user_agent', 'user_agent'],
};
const keys = [...timeKeys, ...requestKeys, 'request_time', 'level'];
const requestTime = keys.length - 2;
const level = keys.length - 1;
const times = timeKeys.map((_, index) => index);
const requests = requestKeys.map((_, index) => timeKeys.length + index);

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
      if (line.has(level) || !line.hasAny(requests)) return 'no request of this format';
      if (!line.readFirstTime(times, stamp)) return 'no time that can be read';
      line.readDuration(requestTime, stamp);
      return undefined;
    }),
};
