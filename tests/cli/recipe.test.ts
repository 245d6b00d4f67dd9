/** `reto3 recipe`: the real program runs each printed recipe that says it is tested. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { describe, expect, test } from 'vitest';
import { startApache } from '../support/apache.ts';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { startNginx } from '../support/nginx.ts';
import { launch, type RunningProcess } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const requests = 200;

test('lists the recipes without a name, and docs/recipes.md shows each as printed', async () => {
  const { code, stdout } = await runCli(['recipe']);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toBe('nginx         tested    nginx: a log with milliseconds and durations');
  const page = await readFile(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^## ([\w-]+)\n(.*?)\n\n```\w+\n(.*?)^```$/gms)];
  const listed = lines.map((line) => line.split(/ {2,}/));
  expect(shown.map(([, name]) => name)).toEqual(listed.map(([name]) => name));
  for (const [index, [, name = '', title = '', text]] of shown.entries()) {
    const [, how, listedTitle] = listed[index] ?? [];
    expect(title).toBe(`${listedTitle}.${how === 'tested' ? '' : ' Untested.'}`);
    expect((await runCli(['recipe', name])).stdout.replace(notRun, '')).toBe(text);
  }
});

const notRun = '# From the documentation of the program; not run in our tests.\n';

test('prints the mirror of docs/nginx.md', async () => {
  const page = await readFile(new URL('../../docs/nginx.md', import.meta.url), 'utf8');
  const [, shown] = /```nginx\n(.*?)```/s.exec(page) ?? [];
  const { stdout } = await runCli(['recipe', 'nginx-mirror']);
  expect(stdout.replace(/^#.*\n/, '')).toBe(shown);
});

test('a recipe that is not tested says so in its first line', async () => {
  const { stdout } = await runCli(['recipe', 'envoy']);
  expect(stdout.startsWith(notRun)).toBe(true);
});

test('refuses an unknown recipe and names all', async () => {
  const { code, stdout, stderr } = await runCli(['recipe', 'nginz']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(
    /^reto3: there is no recipe "nginz" \(want one of nginx, nginx-mirror, .*\) \[RETO3_BAD_COMMAND\]\n$/,
  );
});

/** The printed recipe after these replacements. */
async function printed(name: string, replaced: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await runCli(['recipe', name]);
  return Object.entries(replaced).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, stdout);
}

async function send(port: number, program: RunningProcess): Promise<void> {
  await waitUntil('the program answers', async () => {
    if (!program.running) throw new Error(`it ended: ${program.stderr}`);
    return (await fetch(`http://127.0.0.1:${port}/first`).catch(() => undefined))?.ok === true;
  });
  for (let index = 0; index < requests; index++) await fetch(`http://127.0.0.1:${port}/a?${index}`);
}

/** Waits until the log has all requests, then counts them in windows of 10 ms. */
async function countedIn(log: string, ...flags: string[]): Promise<number> {
  await waitUntil('the log is written', async () => {
    const text = await readFile(log, 'utf8');
    return text.split('\n').filter((line) => line.includes('/a?')).length === requests;
  });
  const { stdout } = await runCli(['stats', 'ms10', '--from', '0', '--log', log, ...flags]);
  const firsts = (await readFile(log, 'utf8')).split('/first').length - 1;
  return sumOf(parseLines(stdout)) - firsts;
}

describe('runs as printed', () => {
  requires('nginx')('nginx logs what it answers', async () => {
    const log = join(await temporaryFolder(), 'reto3.log');
    const port = await freePort();
    const recipe = await printed('nginx', { '/var/log/nginx/reto3.log': log });
    const server = `server { listen 127.0.0.1:${port}; location / { return 200; } }`;
    const nginx = await startNginx(`${recipe}\n${server}`);
    await send(port, nginx);
    expect(await countedIn(log)).toBe(requests);
  });

  requires('nginx')('nginx mirrors each request', async () => {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const [port, application] = [await freePort(), await freePort()];
    const recipe = await printed('nginx-mirror', {
      'listen 80;': `listen 127.0.0.1:${port};`,
      '127.0.0.1:3000': `127.0.0.1:${application}`,
      '127.0.0.1:8080': `127.0.0.1:${server.port}`,
    });
    const answering = `server { listen 127.0.0.1:${application}; location / { return 200; } }`;
    await send(port, await startNginx(`${recipe}\n${answering}`));
    await waitUntil('each is counted', async () => {
      return (await askInfo(server.adminUrl)).messagesSinceStart > requests;
    });
  });

  requires('haproxy')('haproxy logs, balances and checks', async () => {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const folder = await temporaryFolder();
    const port = await freePort();
    const recipe = await printed('haproxy', {
      'bind :8000': `bind 127.0.0.1:${port}`,
      '127.0.0.1:8080': `127.0.0.1:${server.port}`,
      'check port 8081': `check port ${server.adminPort}`,
    });
    const file = join(folder, 'haproxy.cfg');
    await writeFile(file, recipe);
    const haproxy = launch('haproxy', ['-f', file], { env: { TZ: 'UTC' } });
    await send(port, haproxy);
    const log = join(folder, 'haproxy.log');
    await waitUntil('haproxy has written all lines', async () => {
      return haproxy.stdout.split('/a?').length - 1 === requests;
    });
    await writeFile(log, haproxy.stdout);
    expect(await countedIn(log)).toBe(requests);
    // Health checks are not counted.
    const firsts = haproxy.stdout.split('/first HTTP').length - 1;
    const { messagesSinceStart } = await askInfo(server.adminUrl);
    expect(messagesSinceStart).toBeLessThanOrEqual(requests + firsts);
    expect(messagesSinceStart).toBeGreaterThan(requests);

    await server.stop();
    await waitUntil('the check takes the server out', async () => {
      return (await fetch(`http://127.0.0.1:${port}/a`)).status === 503;
    });
  });

  requires('apache2')('Apache logs what it answers', async () => {
    const folder = await temporaryFolder();
    const port = await freePort();
    const log = join(folder, 'reto3.log');
    for (const name of ['first', 'a']) await writeFile(join(folder, name), '');
    const recipe = await printed('apache', { '/var/log/apache2/reto3.log': log });
    await send(port, await startApache(folder, port, [], recipe));
    expect(await countedIn(log)).toBe(requests);
  });
});
