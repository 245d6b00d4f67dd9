/**
 * A merger reads from the nodes whatever the stream never had or has lost, and an audit proves it.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeldFolder, rowRange } from '@reto3/engine';
import { expect } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import { keepForever } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf } from '../support/windows.ts';

const withNats = requires('nats-server');
const fixture = fileURLToPath(
  new URL('../fixtures/released-0.2.0-format2/data.tar.gz', import.meta.url),
);
const forever = [...keepForever, '--report', 'sizes'];
const everything = 'from=0&open=true';

withNats(
  'reads history that was never published, counts and reports, and passes an audit',
  async () => {
    const begun = Date.now();
    const parent = await temporaryFolder();
    execFileSync('tar', ['-C', parent, '-xzf', fixture]);
    const nats = await NatsServers.start();
    const dataDir = join(parent, 'data');
    const node = await startNode({ nats, name: 'node-1', dataDir, flags: forever });
    const folder = await temporaryFolder();
    const startMerger = () =>
      startNode({ nats, name: 'm', role: 'merge', dataDir: folder, flags: forever });
    let merger = await startMerger();
    const runAudit = (...flags: string[]) =>
      runCli(['audit', '--cluster', '--url', merger.adminUrl, ...flags]);
    const isProved = async (): Promise<boolean> => (await runAudit()).code === 0;
    await waitUntil('the merger has what the node has', isProved);
    const printed = await runAudit('--json');
    const hours: { node: string; hour: number; node_total: number; merger_total: number }[] =
      JSON.parse(printed.stdout);
    expect(hours.length).toBeGreaterThan(0);
    for (const hour of hours)
      expect(hour).toMatchObject({ node: 'node-1', equal: true, merger_total: hour.node_total });

    const seconds = async (url: string, scope: string) =>
      new Map(
        [...countsOf(await askStats(url, 'sec', `${everything}&scope=${scope}`))].filter(
          ([start]) => start + 1_000 <= begun,
        ),
      );
    expect(await seconds(merger.adminUrl, 'cluster')).toEqual(await seconds(node.adminUrl, 'node'));
    const rows = async (url: string, scope: string) =>
      (await ask(url, '/v1/reports/sizes', `period=sec&${everything}&scope=${scope}`)).rows;
    const own = await rows(node.adminUrl, 'node');
    expect(own.length).toBeGreaterThan(0);
    await waitUntil('the merger has the rows of the report', async () => {
      return (await rows(merger.adminUrl, 'cluster')).length === own.length;
    });
    expect(await rows(merger.adminUrl, 'cluster')).toEqual(own);

    // Delete a row from the merger's folder, of a time that it has no other reason to read again.
    await merger.stop();
    const store = await new HeldFolder(join(folder, 'cluster'), 'merger').openStore();
    const lost = Number(own[0]?.[0]);
    await store.deleteReports(rowRange('sizes', 'sec', lost, lost + 1_000));
    await store.close();
    merger = await startMerger();
    await waitUntil('the audit says that an hour differs', async () =>
      (await runAudit()).stdout.includes('differs'),
    );
    expect(await rows(merger.adminUrl, 'cluster')).toEqual(own.slice(1));
    await runCli(['cluster', '--republish', '--url', merger.adminUrl]);
    await waitUntil('the merger has what the node has again', isProved);
    expect(await rows(merger.adminUrl, 'cluster')).toEqual(own);

    // Lose the stream and the buckets, including everything counted meanwhile.
    await nats.manage(async ({ streams }) => {
      for (const name of ['RETO3_WINDOWS', 'KV_RETO3_WINDOWS_RECORDS', 'KV_RETO3_WINDOWS_NODES'])
        await streams.delete(name);
    });
    const answered = await send(node, 1_000);
    const from = Date.now() - 60_000;
    await waitUntil('the cluster has what was counted since', async () => {
      const counts = countsOf(await askStats(merger.adminUrl, 'sec', `from=${from}&scope=cluster`));
      return [...counts.values()].reduce((sum, count) => sum + count, 0) === answered;
    });

    await node.kill();
    const silent = await runAudit();
    expect(silent.code).toBe(5);
    expect(silent.stderr).toContain('did not answer');
  },
);

withNats('an audit of a cluster needs a merger', async () => {
  const nats = await NatsServers.start();
  const node = await startNode({ nats, name: 'a' });
  const refused = await runCli(['audit', '--cluster', '--url', node.adminUrl]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('RETO3_NO_CLUSTER') });
  const folder = await runCli(['audit', '--cluster', '--data-dir', await temporaryFolder()]);
  expect(folder).toMatchObject({ code: 2, stderr: expect.stringContaining('--data-dir') });
});
