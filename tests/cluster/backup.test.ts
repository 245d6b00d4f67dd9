/** Backups of mergers, and mergers on the restored folders. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { ask } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { messagesInCluster, startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { thisSecond } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');

async function readBy(merger: Server): Promise<{ position: number; messages: number }> {
  const { merger: state } = await ask(merger.adminUrl, '/v1/cluster');
  if (state === undefined) throw new Error('got a server that does not merge');
  return state;
}

withNats('a restored merger continues where its backup ends', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const flags = ['--report', 'sizes'];
  const [gone, node] = await Promise.all([
    startNode({ nats, name: 'gone', flags }),
    startNode({ nats, name: 'node', flags }),
  ]);
  // Its backup also has its own counts.
  const both = await startNode({ nats, name: 'both', role: 'both', flags });
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  let answered = 0;
  for (const each of [gone, node, both]) answered += await send(each, 1_000);
  for (const reader of [both, merger])
    await waitUntil('everything is added up', async () => {
      return (await messagesInCluster(reader, from)) === answered;
    });
  // Its folder is lost with it, so only the mergers have its counts.
  await gone.stop();

  const folder = await temporaryFolder();
  const restored: Record<string, string> = {};
  const [before, after] = [await readBy(merger), { position: 0 }];
  for (const [name, server] of Object.entries({ m: merger, both })) {
    const file = join(folder, `${name}.reto3`);
    const backup = await runCli(['backup', file, '--url', server.adminUrl]);
    expect(backup).toMatchObject({ code: 0, stdout: '' });
    if (name === 'm') after.position = (await readBy(merger)).position;
    const dataDir = join(folder, name);
    const restore = await runCli(['restore', file, '--data-dir', dataDir, '--json']);
    expect(restore.stderr).toBe('');
    const { messages, mergerRows } = JSON.parse(restore.stdout);
    expect(messages).toBe(name === 'm' ? 0 : 1_000);
    // At least a block and the parts of three nodes.
    expect(mergerRows).toBeGreaterThan(4);
    restored[name] = dataDir;
    // A backup and a restore without a server give the same.
    const again = join(folder, 'again.reto3');
    expect((await runCli(['backup', again, '--data-dir', dataDir])).code).toBe(0);
    const twice = await temporaryFolder();
    await runCli(['restore', again, '--data-dir', twice]);
    const stats = ['stats', 'ms10', '--cluster', '--from', '0', '--data-dir'];
    const [once, second] = [await runCli([...stats, dataDir]), await runCli([...stats, twice])];
    expect(second).toEqual(once);
    const sum = [...once.stdout.matchAll(/, (\d+)$/gm)].reduce((all, [, n]) => all + Number(n), 0);
    expect(sum).toBe(answered);
  }
  await merger.kill();
  await both.kill();
  answered += await send(node, 500);

  const next = await startNode({ nats, name: 'm', role: 'merge', dataDir: restored['m'] ?? '' });
  await waitUntil('it has what came since', async () => {
    return (await messagesInCluster(next, from)) === answered;
  });
  // It read everything after the backup's position, and nothing before it.
  const { position, messages } = await readBy(next);
  expect(position - messages).toBeGreaterThanOrEqual(before.position);
  expect(position - messages).toBeLessThanOrEqual(after.position);

  const bothAgain = await startNode({
    ...{ nats, name: 'both', role: 'both', flags },
    dataDir: restored['both'] ?? '',
  });
  answered += await send(bothAgain, 200);
  for (const reader of [next, bothAgain]) {
    await waitUntil('all is added up', async () => {
      return (await messagesInCluster(reader, from)) === answered;
    });
    await waitUntil('their reports are, too', async () => {
      const { stdout } = await runCli([
        ...['report', 'sizes', '--total', '--cluster', '--from', String(from), '--open', '--json'],
        ...['--url', reader.adminUrl],
      ]);
      return stdout !== '' && JSON.parse(stdout).rows[0]?.[1] === answered;
    });
  }
});
