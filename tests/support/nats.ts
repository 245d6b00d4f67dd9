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
    const ports = await freePorts(2 * count);
    const routes = ports.slice(count).map((port) => `nats-route://127.0.0.1:${port}`);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const name = `nats-${index}`;
      const store = join(folder, name);
      await mkdir(store);
      const config = join(folder, `${name}.conf`);
      // What may be acknowledged is on the disk: otherwise kill -9 is no test of ours.
      const jetstream = `jetstream { store_dir: "${store}" }`;
      const cluster = `cluster { name: test, listen: "127.0.0.1:${ports[count + index]}", routes: [${routes.join(', ')}] }`;
      await writeFile(
        config,
        `server_name: ${name}\nlisten: "127.0.0.1:${ports[index]}"\n${jetstream}\n${count > 1 ? cluster : ''}\n`,
      );
      members.push({ name, config, port: ports[index] ?? 0, running: run(config) });
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

  /** Resolves when JetStream answers. */
  async ready(): Promise<void> {
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
