/**
 * Cloudflare Logpush, HTTP requests: `EdgeEndTimestamp` and `EdgeStartTimestamp` as ns since the
 * epoch (19 digits), seconds or RFC 3339, as the job is set. The difference is the duration. A job
 * may send the start alone, which is a format of its own.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { Instant } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['ClientRequestMethod'],
  target: ['ClientRequestURI', 'ClientRequestPath'],
  status: ['EdgeResponseStatus'],
  host: ['ClientRequestHost'],
  client: ['ClientIP'],
  agent: ['ClientRequestUserAgent'],
};
const keys = ['EdgeEndTimestamp', 'EdgeStartTimestamp'];
const [edgeEnd, edgeStart] = [0, 1] as const;

export const cloudflare: LogFormat = {
  name: 'cloudflare',
  title: 'Cloudflare Logpush, HTTP requests',
  example:
    '{"ClientRequestHost":"example.com","ClientRequestMethod":"GET","ClientRequestURI":"/","EdgeEndTimestamp":1464433871123000000,"EdgeResponseStatus":200,"EdgeStartTimestamp":1464433871100000000}',
  resolution: '1 ns, or as the job is set',
  moment: 'end',
  parser(options) {
    const start = { time: new Instant() };
    return jsonParser(keys, options, named, (line, stamp) => {
      if (!line.has(edgeEnd)) return 'no request of this format';
      if (!line.readTime(edgeEnd, stamp)) return 'no time that can be read';
      stamp.hasDuration =
        line.readTime(edgeStart, start) && stamp.duration.difference(stamp.time, start.time);
      return undefined;
    });
  },
};

export const cloudflareStart: LogFormat = {
  name: 'cloudflare-start',
  title: 'Cloudflare Logpush without EdgeEndTimestamp',
  example:
    '{"ClientRequestMethod":"GET","ClientRequestURI":"/","EdgeResponseStatus":200,"EdgeStartTimestamp":"2016-05-28T11:11:11Z"}',
  resolution: '1 ns, or as the job is set',
  moment: 'start',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      if (line.has(edgeEnd) || !line.has(edgeStart)) return 'no request of this format';
      stamp.hasDuration = false;
      return line.readTime(edgeStart, stamp) ? undefined : 'no time that can be read';
    }),
};
