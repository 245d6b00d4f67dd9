/**
 * k6, `--out json`: a line for each sample of each metric. A request is a Point of `http_reqs`;
 * its `time` (RFC 3339, ns) is the end. The duration is in a line of its own, so only the end is
 * known.
 */
import { textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['data/tags/method'],
  target: ['data/tags/url', 'data/tags/name'],
  status: ['data/tags/status'],
};
const keys = ['metric', 'type', 'data/time'];
const [metric, type, time] = [0, 1, 2] as const;
const requests = textBytes('http_reqs');
const point = textBytes('Point');
const definition = textBytes('Metric');

export const k6: LogFormat = {
  name: 'k6',
  title: 'k6, --out json',
  example:
    '{"metric":"http_reqs","type":"Point","data":{"time":"2016-05-28T11:11:11.123456789Z","value":1,"tags":{"method":"GET","status":"200"}}}',
  resolution: '1 ns',
  moment: 'end',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.has(metric)) return 'no request of this format';
      if (line.is(type, definition)) return 'a header or comment';
      if (!line.is(type, point)) return 'no request of this format';
      if (!line.is(metric, requests)) return 'another metric';
      stamp.hasDuration = false;
      return line.readTime(time, stamp) ? undefined : 'no time that can be read';
    }),
};
