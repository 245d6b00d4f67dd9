/** Signals that stop a server, once or twice, under load and in a real terminal. */
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server, serveArgs } from '../support/server.ts';
import { untilFlushed } from '../support/stats.ts';
import { Terminal } from '../support/terminal.ts';
import { waitUntil } from '../support/wait.ts';

const messagesBeforeStop = 2_000;
const size = { columns: 160, lines: 30 };

/**
 * Starts the next server on that folder, and returns the number of messages in it.
 * @throws Error if any of those messages is missing
 */
async function startAfter(dataDir: string, answered: number, flags: readonly string[] = []) {
  const server = await Server.start({ dataDir, flags });
  const { messagesInAll } = await askInfo(server.adminUrl);
  expect(messagesInAll).toBeGreaterThanOrEqual(answered);
  expect(server.stderr).not.toContain('was killed');
  return { server, messagesInAll };
}

async function expectCleanlyLeft(dataDir: string, answered: number): Promise<void> {
  const { server } = await startAfter(dataDir, answered);
  await server.stop();
}

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGINT'],
  ['SIGHUP', 'SIGHUP'],
] as const)('%s and %s 2 ms apart lose no answered message', async (first, again) => {
  const dataDir = await temporaryFolder();
  let answered = 0;
  for (let round = 0; round < 3; round++) {
    const flags = ['--workers', '2', '--archive'];
    const { server, messagesInAll } = await startAfter(dataDir, answered, flags);
    const load = Load.start({ port: server.port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= messagesBeforeStop);
    const stopped = server.stop(first);
    // Wait, since the kernel would merge two immediate signals.
    await setTimeout(2);
    expect(await server.stop(again)).toEqual({ code: 0, signal: null });
    await stopped;
    await load.done;
    expect(server.loggedMessages).toBeGreaterThanOrEqual(load.answered);
    answered = messagesInAll + load.answered;
  }
  await expectCleanlyLeft(dataDir, answered);
});

/**
 * A report that creates the file and then never returns: its worker hangs, and so does the stop.
 */
const hangs = (file: string) => `import { writeFileSync } from 'node:fs';
import { defineReport } from 'reto3/report';
export default defineReport({
  name: 'hangs', summary: 'Hangs.', needs: 'head', columns: { messages: 'messages' },
  create: () => ({ messages: 0 }),
  add(all, { path }) {
    all.messages++;
    if (path !== '/hang') return;
    writeFileSync(${JSON.stringify(file)}, '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  merge(into, from) { into.messages += from.messages; return into; },
  rows: (all) => [all],
});
`;

test('a second signal, a second later, ends a hanging stop, and flushed counts survive', async () => {
  const dataDir = await temporaryFolder();
  const folder = await temporaryFolder();
  const [module, hanging] = [join(folder, 'hangs.mjs'), join(folder, 'hanging')];
  await writeFile(module, hangs(hanging));
  const server = await Server.start({ dataDir, flags: ['--workers', '1', '--report', module] });
  await Load.start({ port: server.port, connections: 1, depth: 1, requests: 100 }).done;
  await untilFlushed(server);
  void fetch(`http://127.0.0.1:${server.port}/hang`).catch(() => undefined);
  await waitUntil('the report hangs', () => existsSync(hanging));

  let left = false;
  void server.exited.then(() => {
    left = true;
  });
  server.signal('SIGTERM');
  await waitUntil('it stops', () => server.stderr.includes('got SIGTERM and is stopping'));
  await waitUntil('a further signal ends it', () => {
    if (!left) server.signal('SIGTERM');
    return left;
  });
  // The signal ends it, not an abort of uWebSockets.js.
  expect(await server.exited).toEqual({ code: null, signal: 'SIGTERM' });
  const next = await Server.start({ dataDir });
  expect((await askInfo(next.adminUrl)).messagesInAll).toBeGreaterThanOrEqual(100);
});

/** The ingest port of the server in this terminal. */
async function portIn(terminal: Terminal): Promise<number> {
  const text = await terminal.shows(/takes requests on http:\/\/\S+?:\d+/);
  return Number(/takes requests on \S+?:(\d+)/.exec(text)?.[1]);
}

test('Ctrl-C on npm start under load loses nothing, although npm forwards the signal', async () => {
  const dataDir = await temporaryFolder();
  const flags = serveArgs({ dataDir, flags: ['--workers', '2'] }).slice(1);
  let answered = 0;
  for (let round = 0; round < 3; round++) {
    const terminal = Terminal.runCommand(['npm', 'start', '--', ...flags], size);
    const load = Load.start({ port: await portIn(terminal), connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= messagesBeforeStop);
    terminal.press('C-c');
    await terminal.shows(/stopped, everything is written/);
    await terminal.shows(/left with/);
    await load.done;
    answered += load.answered;
    await expectCleanlyLeft(dataDir, answered);
    terminal.close();
  }
});

test('closing the terminal stops the server cleanly, although nobody reads its log', async () => {
  const dataDir = await temporaryFolder();
  const terminal = Terminal.run(serveArgs({ dataDir, flags: ['--workers', '2'] }), size);
  const load = Load.start({ port: await portIn(terminal), connections: 8, depth: 8 });
  await waitUntil('the load runs', () => load.answered >= messagesBeforeStop);
  terminal.close();
  await load.done;
  // The folder is free once the server has exited.
  await waitUntil('it has left', async () => !(await isHeld(dataDir)));
  await expectCleanlyLeft(dataDir, load.answered);
});

/** Whether any process on this machine has that folder's lock file open. */
async function isHeld(dataDir: string): Promise<boolean> {
  const { ino } = await stat(join(dataDir, 'LOCK'));
  const locks = await readFile('/proc/locks', 'utf8');
  return locks.split('\n').some((line) => line.includes(`:${ino} `));
}
