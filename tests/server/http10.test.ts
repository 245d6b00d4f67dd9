/**
 * uWebSockets.js does not serve HTTP/1.0 clients, and they see no error: nginx answers its own
 * clients while its mirror gets nothing. So the server reports connections that end without a
 * message.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, test } from 'vitest';
import { get } from '../hostile/corpus/case.ts';
import { Client } from '../hostile/support/exchange.ts';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scrape } from '../support/metrics.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

/** The older build's connections are looked at as often. */
const checkEveryMs = 1_000;
const warning = 'a connection ended without a message';

async function silentConnections({ adminUrl }: Server): Promise<number> {
  return (await askInfo(adminUrl)).connectionsWithoutMessage;
}

async function expectTold(server: Server, least: number): Promise<void> {
  await waitUntil('the connections are counted', async () => {
    return (await silentConnections(server)) >= least;
  });
  await waitUntil('the log says so', () => server.stderr.includes(warning));
  const { value } = await scrape(server.adminUrl);
  expect(value('reto3_connections_without_message_total')).toBe(await silentConnections(server));
  expect(server.stderr.split(warning)).toHaveLength(2);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(0);
}

requires('nginx')('an nginx mirror with HTTP/1.0 shows in info, metrics and log', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const folder = await temporaryFolder();
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server {
    listen 127.0.0.1:${port};
    location / { root ${folder}; mirror /mirror; }
    location = /mirror { internal; proxy_pass http://127.0.0.1:${server.port}/; }
  }
}
`,
  );
  await writeFile(join(folder, 'index.html'), 'served');
  launch('nginx', ['-c', file, '-p', folder]);
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitUntil('nginx answers', answers);
  await expectTold(server, 1);
});

requires('ab')('ab, which speaks HTTP/1.0, shows in info, metrics and log', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  launch('ab', ['-n', '2', '-c', '2', `http://127.0.0.1:${server.port}/`]);
  await expectTold(server, 2);
});

test('a connection with a message is not reported as silent', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const client = await Client.connect(server.port);
  client.write(get);
  await waitUntil('it is answered', () => client.answered === 1);
  client.destroy();
  let silent = 0;
  // The older build counts only connections that begin and end while no message arrives, and closes
  // unanswered ones after 10 to 15 s: some begin soon enough after the message's check.
  await waitUntil('a silent one is counted', async () => {
    const next = await Client.connect(server.port);
    silent++;
    next.write('GET / HTTP/1.0\r\n\r\n');
    await next.closedWithin(checkEveryMs);
    return (await silentConnections(server)) > 0;
  });
  expect(await silentConnections(server)).toBeLessThanOrEqual(silent);
});
