/**
 * vegeta, `vegeta encode --to json` and `--to csv`. The time is the start.
 *
 *     JSON  timestamp (RFC 3339, ns), latency (ns), code, method, url …
 *     CSV   timestamp (ns since the epoch), code, latency (ns), bytes out, bytes in, error, …  no header
 */
import type { LogFormat } from '../format.ts';
import { unitDigits } from '../time/instant.ts';
import { fixedColumnsParser } from './fixed-columns.ts';
import { jsonParser } from './json-log.ts';

const keys = ['timestamp', 'latency', 'code'];
const [timestamp, latency, code] = [0, 1, 2] as const;

export const vegeta: LogFormat = {
  name: 'vegeta',
  title: 'vegeta encode --to json',
  example:
    '{"attack":"","seq":0,"code":200,"timestamp":"2016-05-28T11:11:11.123456789Z","latency":3870000,"bytes_out":0,"bytes_in":612,"error":"","method":"GET","url":"http://example.com/"}',
  resolution: '1 ns',
  moment: 'start',
  parser: (options) =>
    jsonParser(
      keys,
      options,
      { method: ['method'], target: ['url'], status: ['code'] },
      (line, stamp) => {
        if (!line.has(latency) || !line.has(code)) return 'no request of this format';
        if (!line.readTime(timestamp, stamp)) return 'no time that can be read';
        line.readDuration(latency, stamp, unitDigits.ns);
        return undefined;
      },
    ),
};

export const vegetaCsv: LogFormat = {
  name: 'vegeta-csv',
  title: 'vegeta encode --to csv',
  example: '1464433871123456789,200,3870000,0,612,,,,0,GET,http://example.com/,',
  resolution: '1 ns',
  moment: 'start',
  parser: () =>
    fixedColumnsParser({
      delimiter: ',',
      quoting: 'csv',
      leastColumns: 6,
      timeUnit: unitDigits.ns,
      timeDigits: 19,
      duration: 2,
      durationUnit: unitDigits.ns,
      described: [
        { part: 'status', column: 1 },
        { part: 'method', column: 9 },
        { part: 'target', column: 10 },
      ],
    }),
};
