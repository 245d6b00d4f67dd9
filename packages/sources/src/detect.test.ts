/** Lines behind what runtimes, daemons and shippers put in front of them. */
import { describe, expect, test } from 'vitest';
import { fitOf } from './detect.ts';
import { formats } from './formats/formats.ts';
import { patternFormat } from './formats/pattern.ts';
import { utc } from './time/zone.ts';

const lines = {
  combined:
    '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /a: b HTTP/1.1" 200 612 "-" "curl/8.5.0"',
  envoy:
    '[2016-05-28T11:11:11.123Z] "GET / HTTP/2" 200 - 0 612 4 3 "-" "curl/8.5.0" "cc21d9b0" "example.com" "198.51.100.2:80"',
  haproxy:
    '192.0.2.7:53332 [28/May/2016:11:11:11.123] web~ app/app1 0/0/7/14/21 200 612 - - ---- 2/1/0/0/0 0/0 "GET / HTTP/1.1"',
  'nginx-json':
    '{"msec":"1464433871.123","request":"GET / HTTP/1.1","status":"200","host":"example.com"}',
};

const options = { zone: utc, isNamed: false, startMs: undefined };

const prefixed = (prefix: string): ((line: string) => string) => {
  return (line) => prefix + line;
};

/** What stands around a line, and the name of its wrapper. */
const places: readonly (readonly [string | undefined, (line: string) => string])[] = [
  [undefined, (line) => line],
  ['CRI', prefixed('2016-05-28T11:11:11.123456789Z stdout F ')],
  [
    'Docker',
    (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2016-05-28T11:11:11Z' }),
  ],
  ['syslog', prefixed('May 28 11:11:11 web1 nginx[7]: ')],
  ['syslog', prefixed('May 28 11:11:11.123456 web1 nginx[7]: ')],
  ['syslog', prefixed('<190>May 28 11:11:11 web1 nginx: ')],
  ['syslog', prefixed('<190>1 2016-05-28T11:11:11.003Z web1 nginx 7 - - ')],
  ['syslog', prefixed('2016-05-28T11:11:11.123456+00:00 app[web.1]: ')],
  ['lines with timestamps', prefixed('2016-05-28T11:11:11.123456789Z ')],
  ['docker compose', prefixed('web-1  | ')],
  ['docker compose', prefixed('\u001b[36mweb-1  | \u001b[0m')],
  ['JSON messages', (line) => JSON.stringify({ '@timestamp': '2016-05-28', message: line })],
  ['JSON messages', (line) => JSON.stringify({ PRIORITY: '6', MESSAGE: line })],
];

describe.each(Object.entries(lines))('%s', (name, line) => {
  test.each(places)('is found in %s', (wrapper, around) => {
    const fit = fitOf([Buffer.from(around(line))], formats, options);
    expect(fit?.format.name).toBe(name);
    expect(fit?.wrapper?.name).toBe(wrapper);
  });
});

test('an object that is a request is read itself, whatever its message says', () => {
  const line = JSON.stringify({ msec: '1464433871.123', status: '200', message: lines.combined });
  expect(fitOf([Buffer.from(line)], formats, options)?.format.name).toBe('nginx-json');
});

test.each([
  { log: { level: 'info' }, textPayload: lines.combined },
  { message: lines.combined, status: 'info' },
])('the text of a message is found beside fields that only look like its keys', (line) => {
  const fit = fitOf([Buffer.from(JSON.stringify(line))], formats, options);
  expect(fit?.wrapper?.name).toBe('JSON messages');
});

test.each([
  '2016-05-28T11:11:11.123Z 2016-05-28T11:11:10.900Z GET /a 200',
  '2016-05-28T11:11:11.123Z web1 app: job of 2016-05-28T10:00:00Z',
  '1464433871.123 | 1464433870.900 | GET /a',
  'web-1 | 1464433870.900 | GET /a',
])('a pattern describes the whole line: %s', (line) => {
  const fit = fitOf([Buffer.from(line)], [patternFormat('(?<time>\\d\\S+)', undefined)], options);
  expect(fit).toMatchObject({ messages: 1, wrapper: undefined });
});

test.each([
  '1464433871.123 | 192.0.2.7 | "GET / HTTP/1.1" | 200 | 0.005 | 1464433870.000',
  '192.0.2.7 - alice | [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 612',
  '192.0.2.7 | [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 612',
])('fields between bars are no prefix of docker compose: %s', (line) => {
  expect(fitOf([Buffer.from(line)], formats, options)?.wrapper).toBeUndefined();
});
