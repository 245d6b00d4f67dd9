/**
 * A real haproxy in front of several servers, on loopback, configured like
 * deploy/cluster/haproxy.cfg.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { launch } from '../../support/processes.ts';
import type { Server } from '../../support/server.ts';
import { waitUntil } from '../../support/wait.ts';

/** Resolves with haproxy's port once it considers all servers up. */
export async function startHaproxy(servers: readonly Server[]): Promise<number> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const lines = servers.map(
    ({ port: to, adminPort }, index) =>
      `  server s${index} 127.0.0.1:${to} check port ${adminPort} inter 1s fastinter 200ms fall 2 rise 1`,
  );
  const file = join(await temporaryFolder(), 'haproxy.cfg');
  await writeFile(
    file,
    `global
  maxconn 4000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  # Only if nothing of the request was sent: a request sent to two servers may be counted twice.
  retry-on conn-failure
  retries 3
  option redispatch 1
frontend messages
  bind 127.0.0.1:${port}
  default_backend servers
backend servers
  balance roundrobin
  option httpchk
  http-check send meth GET uri /readyz
  http-check expect status 200
${lines.join('\n')}
frontend health
  bind 127.0.0.1:${healthPort}
  monitor-uri /readyz
  monitor fail if { nbsrv(servers) lt ${servers.length} }
`,
  );
  const running = launch('haproxy', ['-db', '-f', file]);
  await waitUntil('haproxy has all servers', async () => {
    if (!running.running) throw new Error(`cannot start haproxy: ${running.stderr}`);
    return fetch(`http://127.0.0.1:${healthPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return port;
}
