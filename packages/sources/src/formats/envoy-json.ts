/**
 * Envoy, JSON, with the keys that Envoy Gateway and Istio use: `start_time` (ISO 8601, ms) is the
 * start, `duration` is in ms. TCP connections have no method and no response code.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['method'],
  target: ['x-envoy-origin-path', 'path'],
  status: ['response_code'],
  host: [':authority', 'authority'],
  client: ['x-forwarded-for', 'downstream_remote_address'],
  agent: ['user-agent', 'user_agent'],
};
const keys = ['start_time', 'duration', 'method', 'response_code'];
const [startTime, duration, method, responseCode] = [0, 1, 2, 3] as const;
const none = textBytes('0');

export const envoyJson: LogFormat = {
  name: 'envoy-json',
  title: 'Envoy, Envoy Gateway or Istio, JSON',
  example:
    '{":authority":"example.com","duration":11,"method":"GET","response_code":200,"start_time":"2016-05-28T11:11:11.123Z"}',
  resolution: '1 ms',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.has(startTime)) return 'no request of this format';
      if (!line.has(method) && (!line.has(responseCode) || line.is(responseCode, none)))
        return 'no request of this format';
      if (!line.readTime(startTime, stamp)) return 'no time that can be read';
      line.readDuration(duration, stamp, unitDigits.ms);
      return undefined;
    }),
};
