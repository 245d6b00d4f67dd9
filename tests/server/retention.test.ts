/** `--retain-…`: a server deletes what is old enough, and its audit still passes. */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { folderWithBlocks } from '../support/data-folder.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const hourMs = 3_600_000;
const messagesInFolder = 1_400;

test('old ms10 blocks are deleted soon after the start; seconds and minutes stay', async () => {
  // Three hours ago: older than the retention of ms10, but not so old that the server doubts its
  // clock.
  const from = Math.floor(Date.now() / hourMs) * hourMs - 3 * hourMs;
  const dataDir = await folderWithBlocks(from);
  const server = await Server.start({ dataDir, flags: ['--retain-ms10', '1h'] });
  const range = ['--from', String(from), '--to', String(from + hourMs), '--url', server.adminUrl];
  expect(sumOf(parseLines((await runCli(['stats', 'ms10', ...range])).stdout))).toBe(
    messagesInFolder,
  );
  await waitUntil('old blocks are deleted', () => /deleted old blocks/.test(server.stderr));
  expect((await runCli(['stats', 'ms10', ...range])).code).toBe(4);
  for (const period of ['sec', 'min']) {
    const { stdout } = await runCli(['stats', period, ...range]);
    expect(sumOf(parseLines(stdout))).toBe(messagesInFolder);
  }
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(messagesInFolder);
  expect((await runCli(['audit', '--url', server.adminUrl])).code).toBe(0);
  await server.stop();
  expect((await runCli(['audit', '--data-dir', dataDir])).code).toBe(0);
});
