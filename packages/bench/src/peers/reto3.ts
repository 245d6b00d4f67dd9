/** reto3 itself, started as its users start it. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { version } from '@reto3/core';
import { freePorts } from '../free-port.ts';
import { Program } from '../program.ts';
import { ask, message, type Peer, RunningPeer, retryMs, startMs } from './peer.ts';

/** The command line's entry. */
export const reto3Bin = fileURLToPath(new URL('../../../cli/bin/reto3.js', import.meta.url));

export interface Reto3Options {
  readonly cores: readonly number[] | undefined;
  readonly workers: number;
  readonly dataDir: string;
  readonly ack?: 'memory' | 'durable';
  /** Flags to add to the command line. */
  readonly flags?: readonly string[];
  /** Makes it a node of a cluster. */
  readonly cluster?: {
    /** The value for `--nats`. */
    readonly nats: string;
    readonly node: string;
    readonly role: 'ingest' | 'merge';
    /** What to wait for; readiness by default. A merger is ready once it lacks nothing. */
    readonly until?: 'ready' | 'alive';
  };
}

export const readyz = { method: 'GET', path: '/readyz', body: '' };
const healthz = { ...readyz, path: '/healthz' };

export class RunningReto3 extends RunningPeer {
  /** The query API's port. */
  readonly adminPort: number;

  constructor(port: number, adminPort: number, programs: readonly Program[]) {
    super(port, programs);
    this.adminPort = adminPort;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.adminPort}`;
  }
}

/** The command line for a server on these ports. */
function serveArguments(options: Reto3Options, port: number, adminPort: number): string[] {
  const { cluster } = options;
  const settings = {
    host: '127.0.0.1',
    port,
    'admin-port': adminPort,
    'data-dir': options.dataDir,
    workers: options.workers,
    ack: options.ack ?? 'memory',
    'log-level': 'warn',
    ...(cluster && { nats: cluster.nats, node: cluster.node, role: cluster.role }),
  };
  return [
    'serve',
    ...Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, `${value}`]),
    ...(options.flags ?? []),
  ];
}

export async function startReto3(options: Reto3Options): Promise<RunningReto3> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const program = new Program(reto3Bin, serveArguments(options, port, adminPort), {
    cores: options.cores,
  });
  const deadlineMs = performance.now() + startMs;
  const answers = (): Promise<number | undefined> =>
    // Probes the query API in a cluster: a probe of the ingest port would count, and a pure merger
    // has none.
    options.cluster === undefined
      ? ask(port, message)
      : ask(adminPort, options.cluster.until === 'alive' ? healthz : readyz);
  while (!program.hasEnded && performance.now() < deadlineMs) {
    if ((await answers()) === 200) return new RunningReto3(port, adminPort, [program]);
    await setTimeout(retryMs);
  }
  await program.stop();
  throw new Error(`cannot start reto3: ${program.errorOutput}`);
}

/** Starts a server, runs `use` with it, and stops it. */
export async function withReto3<T>(
  options: Reto3Options,
  use: (server: RunningReto3) => Promise<T>,
): Promise<T> {
  const server = await startReto3(options);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

export const reto3: Peer = {
  name: 'reto3',
  does: 'counts each request in its 10 ms window',
  request: message,
  needs: {},
  version: () => version,
  start: ({ folder, cores, workers }) =>
    startReto3({ cores, workers, dataDir: join(folder, 'data') }),
};

/** reto3 on Node's HTTP server instead of uWebSockets.js; its yardstick is node:http. */
export const reto3Node: Peer = {
  ...reto3,
  name: 'reto3 --http node',
  start: ({ folder, cores, workers }) =>
    startReto3({ cores, workers, dataDir: join(folder, 'data'), flags: ['--http', 'node'] }),
};
