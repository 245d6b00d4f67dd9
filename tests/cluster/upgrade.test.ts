/** A merger's folder of a released version opens, and keeps the sum of nodes that are gone. */
import { releasedMerger, unpackReleased } from '@reto3/engine/src/testing/released-folder.ts';
import { expect } from 'vitest';
import { runCli } from '../support/cli.ts';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NatsServers } from '../support/nats.ts';
import { expectReleased } from '../support/released.ts';
import { requires } from '../support/requirement.ts';
import { keepForever } from '../support/server.ts';
import { parseLines } from '../support/windows.ts';

const withNats = requires('nats-server');

withNats("a merger's folder of 0.1.0 opens, is upgraded and stays exact", async () => {
  const { dataDir, answers } = unpackReleased(releasedMerger, await temporaryFolder());
  const readAlone = () =>
    runCli(['stats', 'sec', '--cluster', '--from', '0', '--data-dir', dataDir]);
  const alone = await readAlone();
  const counts = parseLines(alone.stdout);
  for (const [start, count] of Object.entries(answers.sec))
    expect(counts.get(Number(start))).toBe(count);
  const nats = await NatsServers.start();
  const flags = ['--report', 'sizes', ...keepForever];
  // The second start reads what the first one upgraded.
  for (const _ of ['upgrade', 'again']) {
    const merger = await startNode({ nats, name: 'sum', role: 'merge', dataDir, flags });
    await expectReleased(merger, answers, '&scope=cluster');
    expect((await merger.stop()).code).toBe(0);
  }
  expect(await readAlone()).toEqual(alone);
});
