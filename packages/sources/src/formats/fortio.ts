/**
 * Fortio, `-access-log-file`, as JSON: timestamp (ns since the epoch, the start), latency (s), thread,
 * ok, and details, such as the status.
 */
import type { LogFormat } from '../format.ts';
import { jsonParser } from './json-log.ts';

const keys = ['timestamp', 'latency', 'thread', 'ok'];
const [timestamp, latency, thread, ok] = [0, 1, 2, 3] as const;

export const fortio: LogFormat = {
  name: 'fortio',
  title: 'Fortio, -access-log-file',
  example:
    '{"latency":0.003870,"timestamp":1464433871123456789,"thread":0,"ok":true,"details":"200"}',
  resolution: '1 ns',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, { status: ['details'] }, (line, stamp) => {
      if (!line.has(latency) || !line.has(thread) || !line.has(ok))
        return 'no request of this format';
      if (!line.readTime(timestamp, stamp)) return 'no time that can be read';
      line.readDuration(latency, stamp);
      return undefined;
    }),
};
