/**
 * Upgrades from the released version to this one under load. No answered message is lost, and a
 * cluster of both versions has the exact sum once all servers are upgraded, in any order.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, test } from 'vitest';
import { ask } from '../support/api.ts';
import { expectSum, messagesIn, messagesInCluster } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NatsServers } from '../support/nats.ts';
import { Server } from '../support/server.ts';
import { SteadyLoad, stopAll } from '../support/steady-load.ts';
import { waitUntil } from '../support/wait.ts';

const { RETO3_RELEASED: released } = process.env;
if (released === undefined) throw new Error('got no RETO3_RELEASED: use npm run test:upgrade');
const releasedCli = join(released, 'packages/cli/bin/reto3.js');

/** Requests per second to each server. */
const rate = 200;
/** The pause between two steps: long enough to count, flush and publish. */
const stepMs = 3_000;

/** A server that keeps its folder and ports while it is upgraded. */
class Upgraded {
  readonly #options: Parameters<typeof Server.start>[0];
  server: Server;

  private constructor(options: Parameters<typeof Server.start>[0], server: Server) {
    this.#options = options;
    this.server = server;
  }

  static async begin(flags: readonly string[] = []): Promise<Upgraded> {
    const options = {
      dataDir: await temporaryFolder(),
      port: await freePort(),
      flags: ['--workers', '1', ...flags],
    };
    return new Upgraded(options, await Server.start({ ...options, file: releasedCli }));
  }

  static async node(nats: NatsServers, name: string, role = 'ingest'): Promise<Upgraded> {
    return Upgraded.begin(['--nats', nats.urls, '--node', name, '--role', role]);
  }

  load(): SteadyLoad {
    return SteadyLoad.start({ host: '127.0.0.1', port: this.server.port, rate });
  }

  async upgrade(): Promise<void> {
    expect((await this.server.stop()).code).toBe(0);
    this.server = await Server.start(this.#options);
  }
}

test('a folder is upgraded under load, and every answered message is counted', async () => {
  const one = await Upgraded.begin();
  const load = one.load();
  await setTimeout(stepMs);
  await one.upgrade();
  await setTimeout(stepMs);
  const { answered } = await stopAll([load]);
  expect(await messagesIn([one.server])).toBe(answered);
});

const orders = {
  'the merger first, as documented': ['sum', 'a', 'b'],
  'the nodes first': ['a', 'b', 'sum'],
} as const;

test.each(Object.entries(orders))('a cluster is upgraded: %s', async (_, order) => {
  const from = Math.floor(Date.now() / 60_000) * 60_000;
  const nats = await NatsServers.start();
  const sum = await Upgraded.node(nats, 'sum', 'merge');
  const a = await Upgraded.node(nats, 'a');
  const b = await Upgraded.node(nats, 'b');
  const loads = [a.load(), b.load()];
  const members = { sum, a, b };
  for (const name of order) {
    await setTimeout(stepMs);
    await members[name].upgrade();
    // An upgraded merger adds up what both versions publish.
    if (order[0] === 'sum') await untilFinal(sum.server);
  }
  await setTimeout(stepMs);
  const { answered } = await stopAll(loads);
  const nodes = [a.server, b.server];
  await expectSum(sum.server, nodes, from);
  expect(await messagesIn(nodes)).toBe(answered);
  expect(await messagesInCluster(sum.server, from)).toBe(answered);
});

/** Waits until everything counted before this call is final in the cluster. */
async function untilFinal(merger: Server): Promise<void> {
  const now = Date.now();
  await waitUntil('the cluster is final until now', async () => {
    const { merger: state } = await ask(merger.adminUrl, '/v1/cluster');
    return (state?.finalThrough ?? 0) >= now;
  });
}
