/**
 * Google Cloud Logging, one LogEntry a line, of what logs requests: load balancers, Cloud Run, App
 * Engine. `timestamp` (RFC 3339) is when the request came, the start; `httpRequest.latency` is the
 * duration, such as `0.063s`. Entries without latency and status are messages of programs, which
 * may name the request that they are about.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['httpRequest/requestMethod'],
  target: ['httpRequest/requestUrl'],
  status: ['httpRequest/status'],
  client: ['httpRequest/remoteIp'],
  agent: ['httpRequest/userAgent'],
};
const keys = ['timestamp', 'httpRequest/latency', 'httpRequest/status'];
const [timestamp, latency, status] = [0, 1, 2] as const;

export const gcp: LogFormat = {
  name: 'gcp',
  title: 'Google Cloud load balancer or Cloud Run, JSON',
  example:
    '{"httpRequest":{"latency":"0.063s","requestMethod":"GET","requestUrl":"https://example.com/","status":200},"timestamp":"2016-05-28T11:11:11.123456Z"}',
  resolution: '1 µs',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.has(latency) && !line.has(status)) return 'no request of this format';
      if (!line.readTime(timestamp, stamp)) return 'no time that can be read';
      line.readDuration(latency, stamp);
      return undefined;
    }),
};
