/** haproxy in front of the nodes, balancing like deploy/docker-compose.cluster.yml. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { freePorts } from '../free-port.ts';
import { haproxyDefaults } from '../peers/haproxy.ts';
import { startPeer } from '../peers/peer.ts';
import type { RunningReto3 } from '../peers/reto3.ts';
import type { Usage } from '../usage.ts';

export interface Balancer {
  readonly port: number;
  usage(): Usage;
  stop(): Promise<void>;
}

export async function startBalancer(
  bench: Bench,
  nodes: readonly RunningReto3[],
): Promise<Balancer> {
  const folder = await bench.folder();
  const [port = 0, monitorPort = 0] = await freePorts(2);
  const file = join(folder, 'haproxy.cfg');
  const servers = nodes.map((node, index) => `  server node-${index} 127.0.0.1:${node.port}`);
  await writeFile(
    file,
    `global
  maxconn 4000
${haproxyDefaults}
frontend messages
  bind 127.0.0.1:${port}
  default_backend nodes
frontend health
  bind 127.0.0.1:${monitorPort}
  monitor-uri /readyz
backend nodes
  balance roundrobin
${servers.join('\n')}
`,
  );
  const commands = [['haproxy', ['-db', '-f', file], { cores: undefined }]] as const;
  const ready = { method: 'GET', path: '/readyz', body: '' };
  const running = await startPeer(monitorPort, commands, ready);
  return { port, usage: () => running.usage(), stop: () => running.stop() };
}
