/** How a command ends if its reader leaves early, or its output cannot be written. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { loopback } from '../support/place.ts';
import { Server } from '../support/server.ts';
import { partialNote } from '../support/stats.ts';

const shell = (script: string): readonly string[] => ['bash', '-c', script, 'bash'];
/** The pipe's reader has certainly left before the command starts. */
const withoutReader = shell('exec 3> >(exit 0); wait $!; exec "$@" >&3');
const onFullDisk = shell('exec "$@" >/dev/full');
const onFullDisks = shell('exec "$@" >/dev/full 2>&1');

async function countedServer(...flags: string[]): Promise<Server> {
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  await Load.start({ port: server.port, connections: 1, depth: 1, requests: 10 }).done;
  return server;
}

/** One command for each way of printing to stdout. */
const printing = [
  ['stats', 'ms10', '--open', '--last', '3'],
  ['stats', 'ms10', '--open', '--last', '3', '--chart'],
  ['stats', 'ms10', '--last', '3', '--follow'],
  ['export', 'ms10', '--open'],
  ['bursts', '--open'],
  ['whatif', '--open', '--capacity', '1'],
  ['report', 'sizes', '--open'],
  ['reports'],
  ['audit'],
  ['top'],
  ['top', '--json'],
  ['health'],
  ['query', 'SELECT 1'],
] as const;

test('output that cannot be written is an error of one line', async () => {
  const server = await countedServer('--report', 'sizes', '--archive');
  const env = { RETO3_URL: server.adminUrl };
  const local = [['--help'], ['--version'], ['help', 'stats'], ['doctor', '--port', '0']];
  for (const args of [...printing, ...local]) {
    const { code, stderr } = await runCli(args, { env, wrapper: onFullDisk });
    const line = expect.stringMatching(/^[^\n]*cannot write to stdout: ENOSPC\b.*\n$/);
    expect({ args, code, stderr }).toEqual({ args, code: 1, stderr: line });
  }
  // If stderr cannot be written either, only the exit code reports it.
  expect(await runCli(['health'], { env, wrapper: onFullDisks })).toMatchObject({ code: 1 });
});

const talkative = `
import { defineReport } from 'reto3/report';
export default defineReport({
  name: 'talkative', summary: 'Talks.', needs: 'head', columns: { messages: 'messages' },
  create: () => ({ messages: 0 }),
  add(all) { console.log('a message'); all.messages++; },
  merge(into, from) { into.messages += from.messages; return into; },
  rows: (all) => [all],
});
`;

test.each([
  ['has no reader', withoutReader],
  ['is full', onFullDisk],
])('a server counts on when a report prints and stdout %s', async (_, wrapper) => {
  const folder = await temporaryFolder();
  const module = join(folder, 'talkative.mjs');
  await writeFile(module, talkative);
  const dataDir = join(folder, 'data');
  const flags = ['--report', module];
  const server = await Server.start({ dataDir, flags, place: { ...loopback, wrapper } });
  await Load.start({ port: server.port, connections: 2, depth: 1, requests: 1_000 }).done;
  const { messagesSinceStart } = await askInfo(server.adminUrl);
  expect(messagesSinceStart).toBe(1_000);
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test('a reader that stops early is not a failure', async () => {
  const server = await countedServer('--report', 'sizes', '--archive');
  const env = { RETO3_URL: server.adminUrl };
  for (const args of printing) {
    const { code, stderr } = await runCli(args, { env, wrapper: withoutReader });
    const quiet = expect.stringMatching(partialNote);
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: quiet });
  }
});

test('a verdict keeps its exit code if the reader stops early', async () => {
  const server = await countedServer();
  const bursts = ['bursts', '--open', '--fail-above', '0', '--url', server.adminUrl];
  const dataDir = await temporaryFolder();
  await writeFile(join(dataDir, 'CURRENT'), 'nothing\n');
  const doctor = ['doctor', '--data-dir', dataDir];
  const damaged = await folderWithBlocks(Date.UTC(2016, 4, 28, 11, 11));
  await flipRow(damaged, 'ms10');
  const audit = ['audit', '--data-dir', damaged];
  const auditCluster = ['audit', '--cluster', '--url', await mergerThatLacksMessages()];
  const failing = async (args: string[]): Promise<Outcome> => {
    expect(await runCli(args)).toMatchObject({ code: 5 });
    return runCli(args, { wrapper: withoutReader });
  };
  for (const format of ['text', 'json'])
    expect(await failing([...bursts, '--format', format])).toMatchObject({ code: 5 });
  for (const command of [doctor, audit, auditCluster])
    for (const flags of [[], ['--json']])
      expect(await failing([...command, ...flags])).toMatchObject({ code: 5 });
});

/**
 * A merger whose audit fails.
 * @returns its address
 */
async function mergerThatLacksMessages(): Promise<string> {
  const hour = { node: 'web-1', hour: 0, node_total: 2, merger_total: 1, equal: false };
  const merger = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ hours: [hour] }));
  });
  return `http://127.0.0.1:${await listen(merger)}`;
}
