/**
 * One OpenTelemetry log record, which wrappers.ts takes from an export in OTLP's JSON form:
 * `timeUnixNano`, 19 digits. Envoy exports access logs this way, with the start as time. A record
 * with only the time when it was observed has none of its own.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { jsonParser } from './json-log.ts';

const keys = ['timeUnixNano'];
const unknown = textBytes('0');

export const otlp: LogFormat = {
  name: 'otlp',
  title: 'OpenTelemetry logs, OTLP JSON',
  example:
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1464433871123456789","body":{"stringValue":"GET /"}}]}]}]}',
  resolution: '1 ns',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, {}, (line, stamp) => {
      stamp.hasDuration = false;
      if (!line.has(0)) return 'no request of this format';
      return !line.is(0, unknown) && line.readTime(0, stamp)
        ? undefined
        : 'no time that can be read';
    }),
};
