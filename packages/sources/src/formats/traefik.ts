/**
 * Traefik, format json: `StartUTC` (RFC 3339, ns) is the start, or `StartLocal` if that was dropped;
 * `Duration` is in ns. Traefik's own messages have neither.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['RequestMethod'],
  target: ['RequestPath'],
  status: ['DownstreamStatus'],
  host: ['RequestHost'],
  client: ['ClientHost', 'ClientAddr'],
  agent: ['request_User-Agent'],
};
const keys = ['StartUTC', 'StartLocal', 'Duration'];
const [startUtc, startLocal, duration] = [0, 1, 2] as const;

export const traefik: LogFormat = {
  name: 'traefik',
  title: 'Traefik, format json',
  example:
    '{"DownstreamStatus":200,"Duration":357313,"RequestMethod":"GET","RequestPath":"/","StartUTC":"2016-05-28T11:11:11.123456789Z","time":"2016-05-28T11:11:11Z"}',
  resolution: '1 ns',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (!line.has(startUtc) && !line.has(startLocal)) return 'no request of this format';
      if (!line.readTime(startUtc, stamp) && !line.readTime(startLocal, stamp))
        return 'no time that can be read';
      line.readDuration(duration, stamp, unitDigits.ns);
      return undefined;
    }),
};
