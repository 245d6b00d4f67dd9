/**
 * The attacked servers: reto3 with the uWebSockets.js build that this machine loads, reto3 with the
 * newer build in a container of the image's base, reto3 with Node's server and, for comparison,
 * bare node:http and nginx.
 */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, freePorts } from '@reto3/bench/src/free-port.ts';
import { nginx } from '@reto3/bench/src/peers/nginx.ts';
import { ask, message } from '@reto3/bench/src/peers/peer.ts';
import type { Ack, HttpEngineName } from '@reto3/core';
import { onTestFinished } from 'vitest';
import { askInfo } from '../../support/api.ts';
import { cliFile } from '../../support/cli.ts';
import { testRoot } from '../../support/debian-root.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { launch, type RunningProcess } from '../../support/processes.ts';
import { serveArgs } from '../../support/server.ts';
import { waitUntil } from '../../support/wait.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

export interface Target {
  readonly name: string;
  readonly port: number;
  /** Whether it is still running. */
  readonly alive: () => boolean;
}

/** A reto3, which reports its count. */
export interface Reto3Target extends Target {
  readonly ack: Ack;
  readonly http: HttpEngineName;
  /**
   * Whether it answers messages that share a packet; uWebSockets.js with `--ack durable` does not.
   */
  readonly pipelines: boolean;
  readonly adminUrl: string;
  readonly pid: number;
  readonly counted: () => Promise<number>;
}

interface Reto3Options {
  /** The default is memory. */
  readonly ack?: Ack;
  /** The default is uws. */
  readonly http?: HttpEngineName;
  /** The limit of file descriptors. */
  readonly descriptors?: number;
}

/** A kind of target: how to start it, and why it is unavailable. */
export interface Kind<T extends Target> {
  readonly name: string;
  readonly missing: () => string | undefined;
  readonly start: (options?: Reto3Options) => Promise<T>;
}

export const here: Kind<Reto3Target> = {
  name: 'reto3, build of this machine',
  missing: () => undefined,
  async start({ descriptors, ack = 'memory', http = 'uws' } = {}) {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const flags = ['--ack', ack, '--http', http];
    const { wrapper, env } = testRoot();
    const command = [
      ...[...wrapper, cliFile],
      ...serveArgs({ dataDir: await temporaryFolder(), port, adminPort, flags }),
    ];
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors};`;
    const running = launch('bash', ['-c', `${limit} exec "$0" "$@"`, ...command], { env });
    return ready(here.name, ack, running, port, adminPort, () => Promise.resolve(running.pid));
  },
};

/** The base of the image: the newer build needs a recent glibc. */
const image = process.env['NODE_IMAGE'] ?? 'node:24-trixie-slim';

const container: Kind<Reto3Target> = {
  name: 'reto3, newer build (container)',
  missing() {
    const { status } = spawnSync('docker', ['image', 'inspect', image], { stdio: 'ignore' });
    return status === 0 ? undefined : `no Docker engine that has the image ${image}`;
  },
  async start({ descriptors = 20_000, ack = 'memory' } = {}) {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const name = `reto3-hostile-${process.pid}-${port}`;
    const limits = ['--ulimit', `nofile=${descriptors}:${descriptors}`];
    const cli = '/clone/packages/cli/bin/reto3.js';
    const serve = serveArgs({ dataDir: '/tmp/data', port, adminPort, flags: ['--ack', ack] });
    const running = launch('docker', [
      ...['run', '--rm', '--name', name, '--network', 'host', ...limits],
      ...['--volume', `${root}:/clone:ro`, image, 'node', cli, ...serve],
    ]);
    // The Docker client may exit before its container.
    onTestFinished(async () => {
      if (running.running) await run('docker', ['kill', name]).catch(() => undefined);
    });
    return ready(container.name, ack, running, port, adminPort, async () => {
      const { stdout } = await run('docker', ['inspect', '--format', '{{.State.Pid}}', name]);
      return Number(stdout);
    });
  },
};

async function ready(
  name: string,
  ack: Ack,
  running: RunningProcess,
  port: number,
  adminPort: number,
  findPid: () => Promise<number>,
): Promise<Reto3Target> {
  const said = (): string => running.stdout + running.stderr;
  await waitUntil(`${name} takes requests`, () => {
    if (!running.running) throw new Error(`cannot start ${name}: ${said()}`);
    return said().includes('reto3 takes requests on');
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const { http, nodejs, uWebSockets } = await askInfo(adminUrl);
  const version =
    http === 'node' ? `reto3, --http node ${nodejs}` : `reto3, uWebSockets.js ${uWebSockets}`;
  return {
    name: ack === 'memory' ? version : `${version}, --ack ${ack}`,
    ack,
    http,
    pipelines: ack === 'memory' || http === 'node',
    port,
    adminUrl,
    pid: await findPid(),
    alive: () => running.running,
    counted: async () => (await askInfo(adminUrl)).messagesSinceStart,
  };
}

const nodeHttp: Kind<Target> = {
  name: `node:http ${process.versions.node}`,
  missing: () => undefined,
  async start() {
    const port = await freePort();
    const script = join(root, 'packages/bench/dist/peers/node-http.server.js');
    const running = launch(process.execPath, [script, String(port)]);
    await waitUntil('node:http answers', async () => (await ask(port, message)) === 200);
    return { name: nodeHttp.name, port, alive: () => running.running };
  },
};

const nginxAlone: Kind<Target> = {
  name: 'nginx',
  missing: () => (nginx.version() === undefined ? 'nginx is not installed' : undefined),
  async start() {
    const folder = await temporaryFolder();
    const running = await nginx.start({ folder, cores: undefined, workers: 1 });
    onTestFinished(() => running.stop());
    // After a crash, connections are refused.
    return { name: `nginx ${nginx.version() ?? ''}`, port: running.port, alive: () => true };
  },
};

/** Node's server on this machine's Node.js. */
export const nodeEngine: Kind<Reto3Target> = {
  name: 'reto3, --http node',
  missing: () => undefined,
  start: (options) => here.start({ ...options, http: 'node' }),
};

function durable(kind: Kind<Reto3Target>): Kind<Reto3Target> {
  return {
    name: `${kind.name}, --ack durable`,
    missing: kind.missing,
    start: (options) => kind.start({ ...options, ack: 'durable' }),
  };
}

/** Both builds and Node's server, each in both ack modes. */
export const reto3Kinds = [here, container, nodeEngine].flatMap((kind) => [kind, durable(kind)]);
export const kinds: readonly Kind<Target>[] = [...reto3Kinds, nodeHttp, nginxAlone];
