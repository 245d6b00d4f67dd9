/** The first lines of reports that load generators write: none is taken for a log of requests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readLogs } from './read-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-other-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [
    'wrk',
    'Running 2s test @ http://127.0.0.1:8080/\n  2 threads and 10 connections\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n',
    'a report of wrk or autocannon, which',
    'reto3 serve',
  ],
  [
    'autocannon',
    'Running 10s test @ http://127.0.0.1:8080\n10 connections\n\n┌─────────┬──────┬\n',
    'wrk or autocannon',
    'reto3 serve',
  ],
  [
    'bombardier',
    'Bombarding http://127.0.0.1:8080 for 2s using 10 connection(s)\nDone!\n',
    'bombardier',
    'reto3 serve',
  ],
  [
    'httperf',
    'httperf --hog --client=0/1 --server=127.0.0.1 --port=8080\nMaximum connect burst length: 1\n',
    'httperf',
    'reto3 serve',
  ],
  [
    'siege',
    '\n{\t"transactions":\t\t\t        100,\n\t"availability":\t\t\t     100.00,\n}\n',
    'siege',
    'reto3 serve',
  ],
  [
    'the log of siege',
    '      Date & Time,  Trans,  Elap Time,  Data Trans,  Resp Time\n2016-05-28 11:11:11,    100,       1.99,           0,       0.01\n',
    'siege',
    'reto3 serve',
  ],
  [
    'Artillery',
    '{\n  "aggregate": {\n    "counters": {\n      "http.requests": 100\n',
    'Artillery',
    'reto3 serve',
  ],
  [
    'ab',
    'This is ApacheBench, Version 2.3 <$Revision: 1 $>\n\nBenchmarking 127.0.0.1 (be patient)\n',
    'ab',
    'ab -g',
  ],
  ['ab -e', 'Percentage served,Time in ms\n0,0.123\n1,0.130\n', 'ab', 'ab -g'],
  [
    'h2load',
    'starting benchmark...\nspawning thread #0: 10 total client(s). 100 total requests\n',
    'h2load',
    '--log-file',
  ],
  [
    'k6',
    '\n     data_received..................: 148 kB 73 kB/s\n     http_reqs......................: 100    49.6/s\n',
    'k6',
    '--out json',
  ],
  ['k6 --summary-export', '{\n    "root_group": {\n        "name": "",\n', 'k6', '--out json'],
  [
    'vegeta report',
    'Requests      [total, rate, throughput]         100, 50.51, 50.50\n',
    'vegeta',
    'vegeta encode',
  ],
  ['vegeta report, JSON', '{"latencies":{"total":1,"mean":1}}\n', 'vegeta', 'vegeta encode'],
  [
    'vegeta attack',
    'w\x7f\x03\x01\x01\x06Result\x01\xff\x80\x00\x01\x0c\x01\x06Attack\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x01\x04Code\x01\x06\x00\x01\x09Timestamp\x01\xff\x82\x00',
    'the binary result of vegeta',
    'vegeta encode',
  ],
  [
    'oha',
    'Summary:\n  Success rate:\t100.00%\n  Total:\t2.0021 sec\n',
    'oha',
    '--output-format csv',
  ],
  [
    'oha, JSON',
    '{\n  "summary": {\n    "successRate": 1.0,\n    "total": 2.0\n',
    'oha',
    '--output-format csv',
  ],
  [
    'a database',
    'SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20',
    'an SQLite database',
    '--db-url',
  ],
  ['ghz', '\nSummary:\n  Count:\t200\n  Total:\t181.57 ms\n', 'ghz', 'influx-details'],
  ['ghz, CSV', 'duration (ms),status,error\n3.87,OK,\n', 'ghz', 'influx-details'],
  [
    'ghz, JSON',
    '{"date":"2016-05-28T11:11:11Z","endReason":"normal","options":{},"count":200,"details":[{"timestamp":"2016-05-28T11:11:11.123456789Z","latency":3870000,"error":"","status":"OK"}]}',
    'ghz',
    'influx-details',
  ],
  ['hey', '\nSummary:\n  Total:\t2.0021 secs\n  Slowest:\t0.0100 secs\n', 'hey', 'hey -o csv'],
  [
    'an early hey',
    'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read\n0.0087,0.0047,0.0042,0.0001,0.0019,0.0001\n',
    'an early hey',
    'offset',
  ],
  [
    'Fortio',
    '{\n  "RunType": "HTTP",\n  "Labels": "",\n  "StartTime": "2016-05-28T11:11:11.123456789Z",\n',
    'Fortio',
    '-access-log-file',
  ],
  [
    'Locust, stats',
    'Type,Name,Request Count,Failure Count,Median Response Time\nGET,/,100,0,3\n',
    'Locust',
    'reto3 recipe locust',
  ],
  [
    'Locust, history',
    'Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%\n1464433871,10,,Aggregated,50.0,0.0,3\n',
    'Locust',
    'reto3 recipe locust',
  ],
  [
    'an early Locust',
    '"Method","Name","# requests","# failures"\n"GET","/",100,0\n',
    'Locust',
    'reto3 recipe locust',
  ],
  [
    'Locust, exceptions',
    'Count,Message,Traceback,Nodes\n1,timed out,None,local\n',
    'Locust',
    'reto3 recipe locust',
  ],
  ['JMeter', 'Label,# Samples,Average,Median,90% Line\nHome,100,3,3,5\n', 'JMeter', '-l FILE'],
  [
    'a JTL with other times',
    'timeStamp,elapsed,label,responseCode\n05/28/16 11:11:11,15,Home,200\n',
    'a JTL of JMeter',
    'timestamp_format=ms',
  ],
  ['Gatling', '{\n    "type": "GROUP",\n"name": "All Requests",\n', 'Gatling', 'simulation.log'],
  [
    'Tsung',
    '# stats: dump at 1464433871\nstats: users 0 1\nstats: request 100 3.2 1.1 9.1 1.2 0 0\n',
    'Tsung',
    'dumptraffic',
  ],
  [
    'a dump of Tsung',
    'NewClient:1464433871.123456:<0.94.0>\nload:1\nSend:1464433871.130000:<0.94.0>:GET / HTTP/1.1\n',
    'Tsung',
    'dumptraffic',
  ],
])('%s', async (name, text, what, hint) => {
  const file = join(folder, `${name.replaceAll(/\W/g, '-')}.txt`);
  writeFileSync(file, text, text.includes('┌') ? 'utf8' : 'latin1');
  const reading = readLogs([file], { startMs: 0 }, Date.now(), () => undefined);
  await expect(reading).rejects.toMatchObject({
    code: 'RETO3_LOG_UNKNOWN',
    message: expect.stringContaining(what),
    hint: expect.stringContaining(hint),
  });
});
