/** Real NATS servers with JetStream, on free loopback ports; they end with their test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from '@reto3/bench/src/free-port.ts';
import type { Random } from '@reto3/core/testing';
import { temporaryFolder } from './folder.ts';
import { loopback, type Place } from './place.ts';
import { launch, type RunningProcess } from './processes.ts';
import { waitUntil } from './wait.ts';

interface Member {
  readonly name: string;
  readonly config: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly place: Place;
  running: RunningProcess;
}

export class NatsServers {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /**
   * Starts one server, or a cluster of several; resolves when JetStream is ready.
   * @param places where each runs; loopback by default
   * @param more of the configuration of each: a JetStream domain, and lines
   */
  static async start(
    count = 1,
    places: readonly Place[] = [],
    more: { readonly domain?: string; readonly lines?: string } = {},
  ): Promise<NatsServers> {
    const folder = await temporaryFolder();
    const ports = await Promise.all(Array.from({ length: 3 * count }, freePort));
    const placeOf = (index: number): Place => places[index] ?? loopback;
    const routes = ports
      .slice(2 * count)
      .map((port, index) => `nats-route://${placeOf(index).host}:${port}`);
    const members: Member[] = [];
    for (let index = 0; index < count; index++) {
      const name = `nats-${index}`;
      const place = placeOf(index);
      const { host } = place;
      const store = join(folder, name);
      await mkdir(store);
      const config = join(folder, `${name}.conf`);
      // Written data survives kill -9. Only a power cut needs it on the disk (sync_interval:
      // always), a setting that Debian 12's nats-server does not know.
      const domain = more.domain === undefined ? '' : `, domain: ${more.domain}`;
      const jetstream = `jetstream { store_dir: "${store}"${domain} }\n${more.lines ?? ''}`;
      const cluster = `cluster { name: test, listen: "${host}:${ports[2 * count + index]}", routes: [${routes.join(', ')}] }`;
      const [port = 0, monitorPort = 0] = [ports[index], ports[count + index]];
      const listen = `listen: "${host}:${port}"\nhttp: "${host}:${monitorPort}"`;
      // Like deploy/cluster/nats.conf, with which users start.
      const pings = 'ping_interval: "2s"\nping_max: 2';
      await writeFile(
        config,
        `server_name: ${name}\n${listen}\n${pings}\n${jetstream}\n${count > 1 ? cluster : ''}\n`,
      );
      members.push({ name, config, port, monitorPort, place, running: run(config, place) });
    }
    const servers = new NatsServers(members);
    await servers.ready();
    return servers;
  }

  /** The value for `--nats`. */
  get urls(): string {
    return this.#members.map(({ port, place }) => `nats://${place.host}:${port}`).join(',');
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
    member.running = run(member.config, member.place);
  }

  /**
   * Resolves when JetStream answers, and every running server reports that it has everything of its
   * streams that their leaders have. JetStream's API may call a server current that is not there.
   */
  async ready(): Promise<void> {
    for (const { name, place, monitorPort, running } of this.#members) {
      if (!running.running) continue;
      await waitUntil(`${name} is healthy`, () =>
        fetch(`http://${place.host}:${monitorPort}/healthz`).then(
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

  /** Calls `use` with a stream manager. */
  async manage<T>(
    use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>,
  ): Promise<T> {
    return this.#connected(async (connection) =>
      use(await jetstreamManager(connection, { timeout: 2_000 })),
    );
  }

  async #connected<T>(use: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: this.urls.split(','), timeout: 2_000 });
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  }

  /**
   * Publishes all of a stream's messages again, `times` times, each time in a random order, as
   * JetStream might redeliver them. A message that was published before counts once. Returns the
   * number of messages.
   */
  async replay(stream: string, times: number, random: Random): Promise<number> {
    return this.#connected(async (connection) => {
      const client = jetstream(connection, { timeout: 5_000 });
      const { state } = await (await client.jetstreamManager()).streams.info(stream);
      const consumer = await client.consumers.get(stream);
      const distinct = new Map<string, { subject: string; data: Uint8Array }>();
      for (let read = 0; read < state.messages; ) {
        const batch = await consumer.fetch({ max_messages: 1_000, expires: 1_000 });
        for await (const { subject, data } of batch) {
          distinct.set(Buffer.from(data).toString('latin1'), { subject, data });
          read++;
        }
      }
      const messages = [...distinct.values()];
      for (let time = 0; time < times; time++) {
        for (let left = messages.length; left > 1; left--) {
          const [one, other] = [random.below(left), left - 1];
          const [a, b] = [messages[one], messages[other]];
          if (a !== undefined && b !== undefined) [messages[one], messages[other]] = [b, a];
        }
        for (const { subject, data } of messages) await client.publish(subject, data);
      }
      return times * messages.length;
    });
  }

  /**
   * Purges a stream while nodes publish to it. nats-server 2.9 may then lose the file that it
   * appends to, and accept no message until it restarts; restart it, as an operator would.
   */
  async purge(stream: string): Promise<void> {
    const newest = async (): Promise<number> =>
      this.manage(async ({ streams }) => (await streams.info(stream)).state.last_seq);
    await this.manage(({ streams }) => streams.purge(stream));
    const purged = await newest();
    // Every node publishes at least once a second.
    for (let look = 0; look < 30; look++) {
      if ((await newest()) > purged) return;
      await setTimeout(100);
    }
    for (const index of this.#members.keys()) {
      await this.kill(index);
      this.restart(index);
    }
    await this.ready();
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (member === undefined) throw new Error(`got no NATS server ${index}`);
    return member;
  }
}

function run(config: string, { wrapper }: Place): RunningProcess {
  return launch('nats-server', ['-c', config], { wrapper });
}
