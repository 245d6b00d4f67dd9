/** Compares logs that nginx, haproxy and Apache write here with the requests that they answered. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect } from 'vitest';
import { startApache } from '../support/apache.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { startNginx } from '../support/nginx.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const requests = 5_000;

/** A log's total in a period, and the summary on stderr. */
async function counted(period: string, log: string): Promise<{ sum: number; said: string }> {
  const args = ['stats', period, '--from', '0', '--log', log];
  const { stdout, stderr } = await runCli(args);
  return { sum: sumOf(parseLines(stdout)), said: stderr.replace(`reto3: ${log}: `, '') };
}

requires('nginx')('nginx: text with $msec, JSON and combined count each answer', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  await startNginx(`
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                   '"$http_referer" "$http_user_agent" $msec $request_time';
  log_format json escape=json '{"msec":"$msec","request":"$request","status":"$status",'
                              '"agent":"$http_user_agent","request_time":"$request_time"}';
  server {
    listen 127.0.0.1:${port};
    access_log ${folder}/timed.log timed buffer=64k;
    access_log ${folder}/json.log json;
    access_log ${folder}/combined.log combined;
    location / { return 200; }
  }`);
  await waitUntil('nginx answers', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'TRACE' }).catch(() => 0);
    return answer !== 0 || (await fetch(`http://127.0.0.1:${port}/`).catch(() => 0)) !== 0;
  });
  const before = (await readFile(join(folder, 'combined.log'), 'utf8')).split('\n').length - 1;
  const startMs = Date.now();
  await Load.start({ port, connections: 8, depth: 4, requests }).done;
  const endMs = Date.now();
  await waitUntil('nginx has written all lines', async () => {
    const { length } = (await readFile(join(folder, 'combined.log'), 'utf8')).split('\n');
    return length - 1 === before + requests;
  });
  const json = await counted('ms10', join(folder, 'json.log'));
  expect(json.sum).toBe(before + requests);
  expect(json.said).toMatch(/^nginx, JSON .* counted by the start of each request, clock 1 ms/);
  const combined = await counted('sec', join(folder, 'combined.log'));
  expect(combined.sum).toBe(before + requests);
  expect(combined.said).toMatch(/^NCSA common or combined, counted by the end .* clock 1 s/);
  const args = ['stats', 'ms10', '--log', join(folder, 'json.log'), '--at', 'end'];
  const range = ['--from', String(startMs), '--to', String(endMs + 1)];
  const { stdout } = await runCli([...args, ...range]);
  // nginx reads its clock once per turn of the event loop, so the first time may be older.
  expect(sumOf(parseLines(stdout))).toBeGreaterThan(requests / 2);
});

requires('haproxy')('haproxy: httplog counts each answered request by its start', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const configuration = join(folder, 'haproxy.cfg');
  await writeFile(
    configuration,
    `global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend web
  bind 127.0.0.1:${port}
  http-request return status 200
`,
  );
  // Few enough for a pipe: haproxy drops lines that do not fit.
  const few = 100;
  const haproxy = launch('haproxy', ['-f', configuration], { env: { TZ: 'Europe/Madrid' } });
  await waitUntil('haproxy answers', async () => {
    return (await fetch(`http://127.0.0.1:${port}/`).catch(() => 0)) !== 0;
  });
  const startMs = Date.now();
  for (let index = 0; index < few; index++) await fetch(`http://127.0.0.1:${port}/a?b=${index}`);
  const lines = () => haproxy.stdout.split('\n').filter((line) => line.includes('"GET /a?b='));
  await waitUntil('haproxy has written all lines', async () => {
    return lines().length === few;
  });
  const log = join(folder, 'haproxy.log');
  await writeFile(log, lines().join('\n'));
  const { said } = await counted('ms10', log);
  expect(said).toMatch(/^haproxy, option httplog, counted by the start .* clock 1 ms/);
  const inZone = ['--zone', 'Europe/Madrid', '--from', String(startMs - 1_000)];
  const { stdout } = await runCli(['stats', 'ms10', '--log', log, ...inZone]);
  expect(sumOf(parseLines(stdout))).toBe(few);
});

requires('apache2')('Apache: fractions of a second count each answered request', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const apache = await startApache(
    folder,
    port,
    [],
    `LogFormat "%h %l %u [%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t] \\"%r\\" %>s %b" fraction
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %{usec}t %D" usec
CustomLog ${folder}/fraction.log fraction
CustomLog ${folder}/usec.log usec
`,
  );
  await waitUntil('Apache answers', async () => {
    if (!apache.running) throw new Error(`cannot start Apache: ${apache.stderr}`);
    return (await fetch(`http://127.0.0.1:${port}/`).catch(() => 0)) !== 0;
  });
  const few = 200;
  for (let index = 0; index < few; index++) await fetch(`http://127.0.0.1:${port}/a?b=${index}`);
  for (const name of ['fraction', 'usec']) {
    const log = join(folder, `${name}.log`);
    const written = async () => (await readFile(log, 'utf8')).split('\n').length - 1;
    await waitUntil('Apache has written all lines', async () => (await written()) > few);
    const { sum, said } = await counted('ms10', log);
    expect(sum).toBe(await written());
    expect(said).toMatch(/^Apache httpd, .* counted by the start of each request, clock 1 [mµ]s/);
  }
});
