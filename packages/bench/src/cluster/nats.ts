/** NATS servers with JetStream, on loopback. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Bench } from '../bench.ts';
import { freePorts } from '../free-port.ts';
import { type RunningPeer, startPeer } from '../peers/peer.ts';
import { firstLineOf } from '../program.ts';
import { sumOf, type Usage } from '../usage.ts';

/** The program, and the Debian package of the same name. */
export const natsServer = 'nats-server';
const streamName = 'RETO3_WINDOWS';

export interface Nats {
  /** The value for `--nats`. */
  readonly urls: string;
  usage(): Usage;
  stop(): Promise<void>;
}

/** Such as 2.9.10; undefined if it is not installed. */
export function natsVersion(): string | undefined {
  return /\bv(\d\S*)/.exec(firstLineOf(natsServer, ['--version']) ?? '')?.[1];
}

/**
 * Whether NATS can sync before each acknowledgement, as in production. That needs 2.10; Debian 12
 * has an older version.
 */
export function canSyncAlways(): boolean {
  const [major = 0, minor = 0] = (natsVersion() ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

/** Starts one server or a cluster of three, syncing before each acknowledgement if possible. */
export async function startNats(bench: Bench, count: 1 | 3): Promise<Nats> {
  const ports = await freePorts(3 * count);
  const clientPorts = ports.slice(0, count);
  const monitorPorts = ports.slice(count, 2 * count);
  const routePorts = ports.slice(2 * count);
  const routes = routePorts.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  const starts = clientPorts.map(async (port, index) => {
    const folder = await bench.folder();
    const lines = [
      `server_name: nats-${index + 1}`,
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${monitorPorts[index]}"`,
      `jetstream { store_dir: "${folder}"${canSyncAlways() ? ', sync_interval: always' : ''} }`,
    ];
    if (count > 1)
      lines.push(
        `cluster { name: bench, listen: "127.0.0.1:${routePorts[index]}", routes: [${routes}] }`,
      );
    const config = join(folder, 'nats.conf');
    await writeFile(config, lines.join('\n'));
    const health = { method: 'GET', path: '/healthz', body: '' };
    return startPeer(
      monitorPorts[index] ?? 0,
      [[natsServer, ['-c', config], { cores: undefined }]],
      health,
    );
  });
  const servers: readonly RunningPeer[] = await Promise.all(starts);
  return {
    urls: clientPorts.map((port) => `nats://127.0.0.1:${port}`).join(','),
    usage: () => sumOf(servers.map((server) => server.usage())),
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

/** The size of the stream, as NATS reports it. */
export async function streamState(
  urls: string,
): Promise<{ readonly messages: number; readonly bytes: number; readonly last: number }> {
  const connection = await connect({ servers: urls.split(',') });
  try {
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info(streamName);
    return { messages: state.messages, bytes: state.bytes, last: state.last_seq };
  } finally {
    await connection.close();
  }
}
