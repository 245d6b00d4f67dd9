/** A server's start up to the first message, and the modes of its files. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, onTestFinished, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { cliFile, runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { expectPrivate } from '../support/private-files.ts';
import { Server, serveArgs } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

/**
 * A report that a worker loads only once a file exists, so that the test decides how long a start
 * takes.
 */
const slow = (file: string) => `import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { defineReport } from 'reto3/report';
const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
while (!isMainThread && !existsSync(${JSON.stringify(file)})) await pause();
export default defineReport({
  name: 'slow', summary: 'Slow.', needs: 'head', columns: { messages: 'messages' },
  create: () => ({ messages: 0 }),
  add(all) { all.messages++; },
  merge(into, from) { into.messages += from.messages; return into; },
  rows: (all) => [all],
});
`;

test('probes during the start get a 503 and log nothing', async () => {
  const folder = await temporaryFolder();
  const [module, go] = [join(folder, 'slow.mjs'), join(folder, 'go')];
  await writeFile(module, slow(go));
  const adminPort = await freePort();
  const flags = ['--workers', '1', '--report', module];
  const running = startCli(serveArgs({ dataDir: join(folder, 'data'), adminPort, flags }));
  const probe = () => fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
  await waitUntil('the query API listens', async () => (await probe())?.status === 503);
  for (let count = 0; count < 10; count++) expect((await probe())?.status).toBe(503);
  await writeFile(go, '');
  await waitUntil('it is ready', async () => (await probe())?.status === 200);
  // Every start with the older uWebSockets.js build logs a warning.
  const told = running.stderr.replace(/\{"level":40,.*\(older build\).*\}\n/, '');
  expect(told).toMatch(/^(?:\{"level":30,.*\}\n)+$/);
});

test('a start warns of the older uWebSockets.js build, and of nothing else', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { uWebSockets = '' } = await askInfo(server.adminUrl);
  await server.stop();
  const warnings = server.stderr.split('\n').filter((line) => line.startsWith('{"level":40,'));
  if (!uWebSockets.endsWith('(older build)')) {
    expect(warnings).toEqual([]);
    return;
  }
  expect(warnings).toHaveLength(1);
  const { msg } = JSON.parse(warnings.join());
  expect(msg).toContain(
    `uWebSockets.js ${uWebSockets}: only GET, HEAD, POST, PUT, PATCH, DELETE, `,
  );
  expect(msg).toMatch(
    /; the newer build needs glibc 2\.38 .*, and --http node serves all of them$/,
  );
});

test('no request is accepted before the first synced write', async () => {
  const folder = await temporaryFolder();
  const [module, go] = [join(folder, 'slow.mjs'), join(folder, 'go')];
  await writeFile(module, slow(go));
  const dataDir = join(folder, 'data');
  const running = startCli(serveArgs({ dataDir, flags: ['--workers', '1', '--report', module] }));
  // Then the anchor has the number of the first batch. The only worker cannot listen yet.
  await waitUntil('the first write is done', async () =>
    / [1-9]\d*\n$/.test(await readFile(join(dataDir, 'ANCHOR'), 'utf8').catch(() => '')),
  );
  expect(running.stderr).not.toContain('takes requests');
});

test('a start that fails because of its port leaves the folder unchanged', async () => {
  const dataDir = await temporaryFolder();
  await (await Server.start({ dataDir })).stop();
  const other = await Server.start({ dataDir: await temporaryFolder() });
  const { code } = await runCli(serveArgs({ dataDir, port: other.port }));
  expect(code).toBe(1);
  const next = await Server.start({ dataDir });
  expect(next.stderr).not.toContain('was killed');
  expect((await askInfo(next.adminUrl)).messagesInAll).toBe(0);
});

test('servers on two addresses of one machine may share a port number', async () => {
  const first = await Server.start({ dataDir: await temporaryFolder() });
  const args = serveArgs({ dataDir: await temporaryFolder(), port: first.port });
  const second = startCli(
    args.map((arg, index) => (args[index - 1] === '--host' ? '127.0.0.2' : arg)),
  );
  await waitUntil('it listens, too', () => {
    if (!second.running) throw new Error(second.stderr);
    return second.stderr.includes(`takes requests on http://127.0.0.2:${first.port}`);
  });
});

test("other users cannot read a server's files, including its archive", async () => {
  const dataDir = join(await temporaryFolder(), 'data');
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'secret' });
  await server.stop();
  // Commands that read the folder also make LevelDB files in it.
  for (const args of [['audit'], ['stats', 'min'], ['bursts'], ['export', 'sec']])
    expect(await runCli([...args, '--data-dir', dataDir])).toMatchObject({ code: 0 });
  expect((await readdir(dataDir, { recursive: true })).length).toBeGreaterThan(5);
  await expectPrivate(dataDir);
});

test('other users cannot read a restored or repaired folder', async () => {
  const folder = await temporaryFolder();
  const [dataDir, file] = [join(folder, 'data'), join(folder, 'counts.reto3')];
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'secret' });
  await server.stop();
  const restored = join(folder, 'restored');
  for (const args of [
    ['backup', file, '--data-dir', dataDir],
    ['restore', file, '--data-dir', restored],
    ['doctor', '--repair', '--data-dir', dataDir],
  ])
    expect(await runCli(args)).toMatchObject({ code: 0 });
  const made = (await readdir(folder)).filter((name) => name !== 'data');
  expect(made).toHaveLength(3);
  for (const name of made) await expectPrivate(join(folder, name));
  await expectPrivate(dataDir);
});

test('the doctor warns of a folder that other users can read', async () => {
  const dataDir = join(await temporaryFolder(), 'data');
  await mkdir(dataDir);
  for (const [mode, state] of [
    [0o755, 'warn'],
    [0o750, 'ok'],
  ] as const) {
    await chmod(dataDir, mode);
    const ports = ['--port', String(await freePort()), '--admin-port', String(await freePort())];
    const { stdout } = await runCli(['doctor', '--data-dir', dataDir, ...ports]);
    expect(stdout).toMatch(new RegExp(`^privacy  ${state}`, 'm'));
  }
});

test.runIf(process.platform === 'linux')(
  'a log that cannot be written neither ends a server nor loses a message',
  async () => {
    const dataDir = await temporaryFolder();
    const [port, adminPort] = [await freePort(), await freePort()];
    const args = serveArgs({ dataDir, port, adminPort, flags: ['--archive'] });
    // Every write to /dev/full fails as on a full disk.
    const wrapper = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'];
    const running = startCli(args, { wrapper });
    const ready = () => fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    await waitUntil('it is ready', async () => (await ready())?.status === 200);
    const load = Load.start({ port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= 2_000);
    running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null });
    await load.done;
    const next = await Server.start({ dataDir });
    expect(next.stderr).not.toContain('was killed');
    expect((await askInfo(next.adminUrl)).messagesInAll).toBeGreaterThanOrEqual(load.answered);
  },
);

test('a log whose reader is gone or paused delays neither a server nor its stop', async () => {
  for (const reader of ['gone', 'still'] as const) {
    const folder = await temporaryFolder();
    const pipe = fullPipe(join(folder, 'log'));
    if (reader === 'gone') pipe.leave();
    const dataDir = join(folder, 'data');
    const [port, adminPort] = [await freePort(), await freePort()];
    const args = [cliFile, ...serveArgs({ dataDir, port, adminPort })];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', pipe.writer] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ready = () => fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    await waitUntil('it is ready', async () => (await ready())?.status === 200);
    const load = Load.start({ port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= 2_000);
    if (reader === 'still')
      await waitUntil('the reader continues, and gets the waiting lines', () =>
        pipe.read().includes('takes requests on'),
      );
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await load.done;
    const next = await Server.start({ dataDir });
    expect((await askInfo(next.adminUrl)).messagesInAll).toBeGreaterThanOrEqual(load.answered);
  }
});

/** A pipe with no room for another byte. */
function fullPipe(path: string) {
  execFileSync('mkfifo', [path]);
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const filler = openSync(path, O_WRONLY | O_NONBLOCK);
  const writer = openSync(path, O_WRONLY);
  const piece = Buffer.alloc(4_096, '.');
  const isFull = (): boolean => {
    try {
      return writeSync(filler, piece) === 0;
    } catch {
      return true;
    }
  };
  while (!isFull());
  closeSync(filler);
  let text = '';
  const read = (): string => {
    try {
      text += piece.toString('utf8', 0, readSync(reader, piece));
    } catch {
      // The pipe is empty for the moment.
    }
    return text;
  };
  let left = false;
  const leave = (): void => {
    if (!left) closeSync(reader);
    left = true;
  };
  onTestFinished(() => {
    leave();
    closeSync(writer);
  });
  return { writer, read, leave };
}
