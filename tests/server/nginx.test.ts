/** docs/nginx.md: its configuration, copied as a reader would, counts what nginx answers. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { startNginx } from '../support/nginx.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const rounds = 20;

function startApplication(): Promise<number> {
  const application = createServer((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200;
    request.resume().on('end', () => response.end());
  });
  return listen(application);
}

/** @returns the page's configuration with these ports instead of its own */
async function pageConfiguration(ports: {
  readonly nginx: number;
  readonly application: number;
  readonly server: number;
}): Promise<string> {
  const page = await readFile(new URL('../../docs/nginx.md', import.meta.url), 'utf8');
  const [, configuration] = /```nginx\n(.*?)```/s.exec(page) ?? [];
  if (configuration === undefined) throw new Error('docs/nginx.md has no configuration');
  return configuration
    .replace('listen 80;', `listen 127.0.0.1:${ports.nginx};`)
    .replace('127.0.0.1:3000', `127.0.0.1:${ports.application}`)
    .replace('127.0.0.1:8080', `127.0.0.1:${ports.server}`);
}

requires('nginx')('the configuration of docs/nginx.md counts each request once', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const port = await freePort();
  const ports = { nginx: port, application: await startApplication(), server: server.port };
  await startNginx(await pageConfiguration(ports));
  const statusOf = (path: string, init?: RequestInit): Promise<number> =>
    fetch(`http://127.0.0.1:${port}${path}`, init).then(({ status }) => status);
  let answered = 0;
  await waitUntil('nginx answers', async () => {
    const status = await statusOf('/').catch(() => undefined);
    if (status !== undefined) answered++;
    return status === 200;
  });
  for (let round = 0; round < rounds; round++) {
    expect(await statusOf('/page?of=some')).toBe(200);
    expect(await statusOf('/missing')).toBe(404);
    expect(await statusOf('/', { method: 'POST', body: 'value=1' })).toBe(200);
    answered += 3;
  }
  // The mirrored request may arrive after the application's answer.
  await waitUntil('each is counted', async () => {
    return (await askInfo(server.adminUrl)).messagesSinceStart >= answered;
  });
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(answered);
});
