/** Real NATS servers with JetStream, on free ports of loopback, that end with the test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { temporaryFolder } from './folder.ts';
import { launch, type RunningProcess } from './processes.ts';
import { waitUntil } from './wait.ts';

interface Member {
  readonly name: string;
  readonly config: string;
  readonly port: number;
  readonly monitorPort: number;
  running: RunningProcess;
}

export class NatsServers {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** One server, or a cluster of several; resolves when JetStream can be used. */
  static async start(count = 1): Promise<NatsServers> {
    const folder = await temporaryFolder();
    const ports = await freePorts(3 * count);
    const routes = ports.slice(2 * count).map((port) => `nats-route://127.0.0.1:${port}`);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const name = `nats-${index}`;
      const store = join(folder, name);
      await mkdir(store);
      const config = join(folder, `${name}.conf`);
      // What was written survives kill -9. That it is on the disk (sync_interval: always) matters in
      // a power cut only, and Debian 12's nats-server does not know that setting.
      const jetstream = `jetstream { store_dir: "${store}" }`;
      const cluster = `cluster { name: test, listen: "127.0.0.1:${ports[2 * count + index]}", routes: [${routes.join(', ')}] }`;
      const [port = 0, monitorPort = 0] = [ports[index], ports[count + index]];
      const listen = `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitorPort}"`;
      await writeFile(
        config,
        `server_name: ${name}\n${listen}\n${jetstream}\n${count > 1 ? cluster : ''}\n`,
      );
      members.push({ name, config, port, monitorPort, running: run(config) });
    }
    const servers = new NatsServers(members);
    await servers.ready();
    return servers;
  }

  /** For `--nats`. */
  get urls(): string {
    return this.#members.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  get count(): number {
    return this.#members.length;
  }

  async kill(index: number): Promise<void> {
    const member = this.#member(index);
    member.running.signal('SIGKILL');
    await member.running.exited;
  }

  restart(index: number): void {
    const member = this.#member(index);
    member.running = run(member.config);
  }

  /**
   * Resolves when JetStream answers, and every server that runs says that all it has of streams is
   * what their leaders have. What JetStream's API calls current may be a server that is not there.
   */
  async ready(): Promise<void> {
    for (const { name, monitorPort, running } of this.#members) {
      if (!running.running) continue;
      await waitUntil(`${name} is healthy`, () =>
        fetch(`http://127.0.0.1:${monitorPort}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    }
    await waitUntil('JetStream answers', () =>
      this.manage((manager) => manager.getAccountInfo()).then(
        () => true,
        () => false,
      ),
    );
  }

  /** Calls `use` with a manager of streams. */
  async manage<T>(
    use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>,
  ): Promise<T> {
    const connection = await connect({ servers: this.urls.split(','), timeout: 2_000 });
    try {
      return await use(await jetstreamManager(connection, { timeout: 2_000 }));
    } finally {
      await connection.close();
    }
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (member === undefined) throw new Error(`got no NATS server ${index}`);
    return member;
  }
}

function run(config: string): RunningProcess {
  return launch('nats-server', ['-c', config]);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
