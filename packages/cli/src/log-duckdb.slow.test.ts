/** Compares the windows of a log of each format with DuckDB's over the same file, one by one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDuckDb, openDuckDb, sqlString } from '@reto3/archive/src/duckdb.ts';
import { ms10, sec } from '@reto3/core';
import { formats, readLogs } from '@reto3/sources';
import {
  countedWindows,
  differingWindows,
  type MadeLog,
  madeLog,
  madeRequests,
  type Tally,
} from '@reto3/sources/testing';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'reto3-log-duckdb-'));
const database = await openDuckDb(await loadDuckDb());
const connection = await database.connect();
afterAll(() => {
  connection.closeSync();
  database.closeSync();
  rmSync(folder, { recursive: true });
});

// Times in ns since the epoch, and durations in ns; NULL for other texts.
await connection.run(String.raw`
  CREATE MACRO scaled(text, ns) AS CAST(TRY_CAST(text AS DECIMAL(28, 9)) * ns AS HUGEINT);
  CREATE MACRO seconds(text) AS scaled(text, 1000000000);
  CREATE MACRO millis(text) AS scaled(text, 1000000);
  CREATE MACRO iso(text) AS epoch_ns(TRY_CAST(rtrim(text, 'Z') AS TIMESTAMP_NS));
  CREATE MACRO parsed(text, form) AS epoch_ns(try_strptime(text, form));
  CREATE MACRO found(line, pattern) AS nullif(regexp_extract(line, pattern, 1), '');
  CREATE MACRO clf(line) AS parsed(found(line, '\[([^ ]+) \+0000\]'), '%d/%b/%Y:%H:%M:%S');
`);

/** A part of the line that a regular expression finds. */
const re = (pattern: string): string => `found(line, ${sqlString(pattern)})`;
const column = (delimiter: string, number: number): string =>
  `split_part(line, ${sqlString(delimiter)}, ${number})`;
/** A value of a line that is JSON. */
const value = (path: string): string => `(json ->> ${sqlString(path)})`;
const where = (condition: string, time: string): string =>
  `CASE WHEN ${condition} THEN ${time} END`;

const caddyLine = (number: string): string => re(`"${number}":([0-9.]+).*"status"`);
const startNs = `${Date.parse('2016-05-28T11:00:00Z')}000000`;

/** When a request counts, ns since the epoch. */
const moments: Readonly<Record<string, string>> = {
  combined: 'clf(line)',
  nginx: `seconds(${re(' ([0-9.]+) [0-9.]+$')}) - seconds(${re(' ([0-9.]+)$')})`,
  apache: `parsed(${re('\\[([^ ]+) \\+0000\\]')}, '%d/%b/%Y:%H:%M:%S.%f')`,
  haproxy: `parsed(${re('\\[([^ \\]]+)\\]')}, '%d/%b/%Y:%H:%M:%S.%g')`,
  envoy: `iso(${re('^\\[([^ Z]+)Z')})`,
  access: `iso(${re('^([^ Z]+)Z ')})`,
  'traefik-clf': 'clf(line)',
  alb: `iso(${re(' ([0-9T:.-]+)Z "forward"')})`,
  elb: `iso(${re('^([^ Z]+)Z ')})`,
  cloudfront: `iso(${column('\t', 1)} || 'T' || ${column('\t', 2)})`,
  s3: 'clf(line)',
  iis: `iso(${column(' ', 1)} || 'T' || ${column(' ', 2)})`,
  'nginx-proxy-manager': 'clf(line)',
  rails: `iso(${re('^I, \\[([^ ]+) ')})`,
  uwsgi: `parsed(${re('\\[(\\w+ \\w+ \\d+ [\\d:]+ \\d+)\\]')}, '%a %b %d %H:%M:%S %Y')`,
  ltsv: `seconds(${re('\tmsec:([0-9.]+)')}) - seconds(${re('\treqtime:([0-9.]+)')})`,
  logfmt: `iso(${re('^time="([^"]+)".*"request completed"')})`,
  heroku: `iso(${re('^([^+]+)\\+00:00 heroku')}) - millis(${re('service=(\\d+)ms')})`,
  squid: `seconds(${re('^([0-9.]+) ')}) - millis(${re('^[0-9.]+ +(\\d+) ')})`,
  zeek: `seconds(${re('^([0-9.]+)\t')})`,
  'nginx-json': `seconds(${value('$.msec')}) - seconds(${value('$.request_time')})`,
  'envoy-json': `iso(${value('$.start_time')})`,
  traefik: `iso(${value('$.StartUTC')})`,
  caddy: `seconds(${caddyLine('ts')}) - seconds(${caddyLine('duration')})`,
  cloudflare: `scaled(${value('$.EdgeStartTimestamp')}, 1)`,
  'cloudflare-start': `iso(${value('$.EdgeStartTimestamp')})`,
  gcp: where(`${value('$.httpRequest')} IS NOT NULL`, `iso(${value('$.timestamp')})`),
  'aws-json': `millis(${value('$.requestTimeEpoch')})`,
  azure: `iso(${value('$.time')}) - seconds(${value('$.properties.timeTaken')})`,
  suricata: where(`${value('$.event_type')} = 'http'`, `iso(${re('"timestamp":"([^+]+)')})`),
  pino: `millis(${value('$.time')}) - millis(${value('$.responseTime')})`,
  'zeek-json': `seconds(${re('^\\{"ts":([0-9.]+)')})`,
  otlp: `scaled(${re('"timeUnixNano":"(\\d+)"')}, 1)`,
  k6: where(`${value('$.metric')} = 'http_reqs'`, `iso(${value('$.data.time')})`),
  'k6-csv': where(`${column(',', 1)} = 'http_reqs'`, `seconds(${column(',', 2)})`),
  vegeta: `iso(${value('$.timestamp')})`,
  'vegeta-csv': `scaled(${column(',', 1)}, 1)`,
  jmeter: `millis(${column(',', 1)})`,
  'jmeter-xml': `millis(${re(' ts="(\\d+)"')})`,
  gatling: where(`${column('\t', 1)} = 'REQUEST'`, `millis(${column('\t', 4)})`),
  locust: `seconds(${column(',', 1)})`,
  hey: `${startNs} + seconds(${column(',', 8)})`,
  oha: `${startNs} + seconds(${column(',', 1)})`,
  tsung: `seconds(${column(';', 1)}) - millis(${column(';', 9)})`,
  'tsung-csv': `seconds(${column(',', 4)})`,
  ab: `seconds(${column('\t', 2)})`,
  h2load: `scaled(${column('\t', 1)}, 1000)`,
  phout: `seconds(${column('\t', 1)})`,
  fortio: `scaled(${value('$.timestamp')}, 1)`,
  ghz: `scaled(${re(' (\\d+)$')}, 1) - scaled(${re(' latency=(\\d+),')}, 1)`,
};

const requests = madeRequests(50_000, 7);

async function windowsOfDuckDb(file: string, moment: string, windowMs: number): Promise<Tally> {
  const lines = `read_csv(${sqlString(file)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', header = false, null_padding = true)`;
  const reader = await connection.runAndReadAll(
    `SELECT CAST(ns // ${windowMs}000000 * ${windowMs} AS DOUBLE), CAST(count(*) AS DOUBLE)
     FROM (
       SELECT ${moment} AS ns
       FROM (SELECT line, CASE WHEN json_valid(line) THEN line END AS json FROM ${lines})
     )
     WHERE ns IS NOT NULL GROUP BY 1`,
  );
  return new Map(reader.getRows().map(([start, count]) => [Number(start), Number(count)]));
}

async function compare({ text, options }: MadeLog, moment: string, at?: string): Promise<void> {
  const file = join(folder, 'made.log');
  writeFileSync(file, text);
  const counts = await readLogs([file], { ...options, at }, Date.now(), () => undefined);
  const period = counts.resolutionMs <= ms10.windowMs ? ms10 : sec;
  const found = await countedWindows(counts.view(period), period);
  const wanted = await windowsOfDuckDb(file, moment, period.windowMs);
  expect(differingWindows(found, wanted)).toEqual([]);
  expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBe(requests.length);
}

test.each(formats)('$name', async ({ name }) => {
  await compare(madeLog(name, requests), moments[name] ?? 'NULL');
});

test.each([
  ['nginx', `seconds(${re(' ([0-9.]+) [0-9.]+$')})`],
  ['jmeter', `millis(${column(',', 1)}) + millis(${column(',', 2)})`],
] as const)('%s by the end', async (name, moment) => {
  await compare(madeLog(name, requests), moment, 'end');
});
