/** `reto3 bursts --who` names who was behind a burst, from a server and from its folder. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bursts } from '@reto3/client/answers';
import { expect, test } from 'vitest';
import { ask, askInfo } from '../support/api.ts';
import { burst, largestOf, others, sendBurst } from '../support/burst.ts';
import { runCli } from '../support/cli.ts';
import { folderWithBlocks } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

test('names the path behind a burst, exactly, from the archive', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive', '--workers', '1'] });
  await sendBurst(server.port);
  await waitUntil('everything is archived', async () => {
    const { archive, messagesSinceStart } = await askInfo(server.adminUrl);
    return archive?.waiting === 0 && messagesSinceStart === burst + others;
  });
  const flags = ['--last', '6000', '--open'];
  const online = await runCli(['bursts', '--who', '--url', server.adminUrl, '--json', ...flags]);
  expect(online).toMatchObject({ code: 0, stderr: '' });
  const answer: Bursts = JSON.parse(online.stdout);
  const [first, ...more] = largestOf(answer)?.who ?? [];
  expect(more).toEqual([]);
  expect(first).toMatchObject({ key: '/checkout', exact: true });
  expect(first?.share).toBeGreaterThan(0.5);
  // The factor depends on how many bursts a busy machine makes of one.
  expect(first?.lift).toBeGreaterThan(1);

  // All requests come from one client, so no client stands out.
  const clients = await ask(server.adminUrl, '/v1/bursts', 'who=client&last=6000&open=true');
  expect(clients.bursts.list.map(({ who }) => who)).toEqual(answer.bursts.list.map(() => []));

  await server.stop();
  const range = ['--from', String(answer.from), '--to', String(answer.to)];
  const folder = ['bursts', '--data-dir', dataDir, ...range, '--open'];
  const offline: Bursts = JSON.parse((await runCli([...folder, '--who', '--json'])).stdout);
  expect(largestOf(offline)?.who?.[0]).toMatchObject({ key: '/checkout', exact: true });
  const text = await runCli([...folder, '--who', 'path']);
  expect(text.stdout).toMatch(/^who was behind the bursts, by path:$/m);
  expect(text.stdout).toMatch(/^\S+ \S+ +\/checkout +\d+ +[\d.]+ % +[\d.]+ % +[\d.]+$/m);
  expect(text.stdout).toMatch(/^who went missing in the stalls, by path:/m);
});

test('names the path behind a burst, within bounds, from a keyed report', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--report', 'by:path', '--workers', '1'] });
  await sendBurst(server.port);
  await waitUntil('everything is counted', async () => {
    return (await askInfo(server.adminUrl)).messagesSinceStart === burst + others;
  });
  const flags = ['--who', '--json', '--open'];
  const online = ['bursts', '--url', server.adminUrl, ...flags, '--last', '6000'];
  const answer: Bursts = JSON.parse((await runCli(online)).stdout);
  const [first, ...more] = largestOf(answer)?.who ?? [];
  expect(more).toEqual([]);
  expect(first).toMatchObject({ key: '/checkout', exact: false });
  expect(first?.atLeast).toBeLessThanOrEqual(first?.atMost ?? 0);
  expect(first?.share).toBeGreaterThan(0.5);
  await server.stop();
  const range = ['--from', String(answer.from), '--to', String(answer.to)];
  const offline: Bursts = JSON.parse(
    (await runCli(['bursts', '--data-dir', dataDir, ...flags, ...range])).stdout,
  );
  expect(largestOf(offline)?.who?.[0]).toMatchObject({ key: '/checkout', exact: false });
});

/** An nginx log of one minute with 200 paths; one client sends 400 requests within 100 ms. */
async function logWithBurst(): Promise<string> {
  const at = Date.UTC(2016, 4, 28, 11, 11);
  const line = (ms: number, path: string, client: string): string =>
    `${client} - - [28/May/2016:11:11:00 +0000] "GET ${path}?q=1 HTTP/1.1" 200 612 "-" "curl/8.5.0" ${((at + ms) / 1_000).toFixed(3)} 0.000`;
  const lines = Array.from({ length: 30_000 }, (_, index) =>
    line(index * 2, `/page/${(index * 7) % 200}`, `192.0.2.${index % 50}`),
  );
  const more = Array.from({ length: burst }, (_, index) =>
    line(30_000 + Math.floor(index / 4), '/checkout', '203.0.113.9'),
  );
  const file = join(await temporaryFolder(), 'access.log');
  await writeFile(file, `${[...lines, ...more].join('\n')}\n`);
  return file;
}

test('names who was behind a burst in a log', async () => {
  const file = await logWithBurst();
  for (const [key, culprit] of [
    ['path', '/checkout'],
    ['client', '203.0.113.9'],
  ] as const) {
    const { stdout, code } = await runCli(['bursts', '--log', file, '--who', key, '--json']);
    expect(code).toBe(0);
    const [first, ...more] = largestOf(JSON.parse(stdout))?.who ?? [];
    expect(more).toEqual([]);
    expect(first).toMatchObject({ key: culprit, count: burst, baselineShare: 0, before: 0 });
    expect(first).toMatchObject({ exact: true });
  }
  const methods = await runCli(['bursts', '--log', file, '--who=method', '--json']);
  expect(largestOf(JSON.parse(methods.stdout))?.who).toEqual([]);
  const hosts = await runCli(['bursts', '--log', file, '--who', 'host']);
  expect(hosts).toMatchObject({ code: 4, stdout: '' });
  expect(hosts.stderr).toMatch(/no line of .* has a host \(choose another key: .*NO_DATA\]\n$/);
});

test('says what is missing if the keys were not kept', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const dataDir = await folderWithBlocks(Date.UTC(2016, 4, 28, 11, 11));
  const from = (...flags: string[]) => runCli(['bursts', '--url', server.adminUrl, ...flags]);
  expect(await from('--who')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^reto3: the server keeps no archive and no report by:path \(.* \[RETO3_NO_ARCHIVE\]\n$/,
    ),
  });
  expect(await from('--who', 'colour')).toMatchObject({
    code: 2,
    stderr:
      'reto3: got who "colour" (use path, method, status, host, client or header:NAME) [RETO3_BAD_REQUEST]\n',
  });
  expect(await runCli(['bursts', '--who', '--data-dir', dataDir])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^reto3: there is no archive and no report by:path in .* \[RETO3_NO_ARCHIVE\]\n$/,
    ),
  });
});
