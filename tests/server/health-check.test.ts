/** docker/health.sh, the health check of the image. */
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Server } from '../support/server.ts';

const script = fileURLToPath(new URL('../../docker/health.sh', import.meta.url));
const token = 'a-token-of-many-characters';

interface Verdict {
  readonly code: number;
  readonly stdout: string;
}

/** Runs the script with only these variables, as the image would. */
function check(env: Readonly<Record<string, string>>): Promise<Verdict> {
  return new Promise((resolve) => {
    const child = execFile(script, { env: { PATH: '/usr/bin:/bin', ...env } }, (_, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });
}

/** @returns the admin port */
async function serve(flags: readonly string[] = []): Promise<string> {
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  onTestFinished(async () => {
    await server.stop();
  });
  return String(server.adminPort);
}

/**
 * A server that answers everything with this text, or nothing.
 * @returns its port
 */
function answering(answer?: string): Promise<string> {
  return accepting((socket) => socket.on('data', () => answer === undefined || socket.end(answer)));
}

/**
 * A server that calls `serve` for each connection.
 * @returns its port
 */
async function accepting(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  return String(await listen(server));
}

test('a ready server is healthy, on any port and address', async () => {
  const port = await serve();
  expect(await check({ RETO3_ADMIN_PORT: port })).toEqual({ code: 0, stdout: '' });
  for (const host of ['0.0.0.0', '::', '127.0.0.1'])
    expect((await check({ RETO3_ADMIN_PORT: port, RETO3_ADMIN_HOST: host })).code).toBe(0);
});

test('sends the token if one is set, with or without a line feed', async () => {
  const file = join(await temporaryFolder(), 'token');
  await writeFile(file, token, { mode: 0o600 });
  const port = await serve(['--admin-token-file', file]);
  const wrongFile = `${file}.wrong`;
  await writeFile(wrongFile, 'another-token-of-many-characters');
  const wrong = await check({ RETO3_ADMIN_PORT: port, RETO3_ADMIN_TOKEN_FILE: wrongFile });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('got status 401');
  for (const text of [token, `${token}\n`, ` ${token} \r\n`]) {
    await writeFile(file, text);
    expect(await check({ RETO3_ADMIN_PORT: port, RETO3_ADMIN_TOKEN_FILE: file })).toEqual({
      code: 0,
      stdout: '',
    });
  }
  const missing = await check({ RETO3_ADMIN_PORT: port, RETO3_ADMIN_TOKEN_FILE: `${file}.none` });
  expect(missing.code).toBe(1);
  expect(missing.stdout).toContain('cannot read a token');
  expect(wrong.stdout + missing.stdout).not.toContain(token);
});

test('a server that is not ready is unhealthy, with its reason', async () => {
  const reason = '{"code":"RETO3_NOT_READY","message":"the disk is full"}';
  const port = await answering(`HTTP/1.1 503 Service Unavailable\r\nX: x\r\n\r\n${reason}`);
  const verdict = await check({ RETO3_ADMIN_PORT: port });
  expect(verdict.code).toBe(1);
  expect(verdict.stdout).toBe(`got status 503 from 127.0.0.1:${port}, want 200: ${reason}\n`);
});

test('a server that is silent, closes or does not exist is unhealthy within the time limit', async () => {
  const mute = [
    await answering(),
    await answering(''),
    await accepting((socket) => socket.destroy()),
    await accepting((socket) => socket.resetAndDestroy()),
  ];
  for (const port of mute) {
    const stdout = `cannot read the answer of 127.0.0.1:${port} within 4 s\n`;
    expect(await check({ RETO3_ADMIN_PORT: port })).toEqual({ code: 1, stdout });
  }
  const absent = await check({ RETO3_ADMIN_PORT: '1' });
  expect(absent).toEqual({ code: 1, stdout: 'cannot connect to 127.0.0.1:1\n' });
});

test('with TLS or another address, the CLI checks instead', async () => {
  const folder = await temporaryFolder();
  const standIn = join(folder, 'reto3');
  await writeFile(standIn, '#!/bin/sh\necho "$@"\nexit 7\n');
  await chmod(standIn, 0o755);
  const PATH = `${folder}:/usr/bin:/bin`;
  for (const env of [{ RETO3_ADMIN_TLS_CERT: 'x' }, { RETO3_URL: 'https://name:8081' }])
    expect(await check({ PATH, ...env })).toEqual({ code: 7, stdout: 'health\n' });
});
