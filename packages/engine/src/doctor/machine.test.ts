import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@reto3/core';
import { reading } from '@reto3/core/src/clock.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  checkClock,
  checkFsync,
  checkGlibc,
  checkNode,
  checkPort,
  checkSpace,
  checkUws,
} from './machine.ts';

describe('the machine', () => {
  it.each(['20.19.0', '20.20.2', '22.1.0', '24.0.0'])('runs Node.js %s', (version) => {
    expect(checkNode(version)).toMatchObject({ state: 'ok' });
  });

  it.each(['18.20.0', '20.18.9'])('is too old with Node.js %s', (version) => {
    expect(checkNode(version)).toMatchObject({
      state: 'fail',
      says: `got Node.js ${version}, want 20.19 or newer`,
    });
  });

  it('names its glibc, and warns if there is none', () => {
    const report = { header: { glibcVersionRuntime: '2.36' } };
    expect(checkGlibc(report)).toMatchObject({ state: 'ok', says: 'glibc 2.36' });
    expect(checkGlibc({ header: {} })).toMatchObject({ state: 'warn' });
    expect(checkGlibc(undefined)).toMatchObject({ state: 'warn' });
  });

  it('names the build of uWebSockets.js, or says why none loads', () => {
    const says = 'uWebSockets.js 20.57.0 (newer build)';
    expect(checkUws(() => '20.57.0 (newer build)')).toMatchObject({ state: 'ok', says });
    const none = (): string => {
      throw new Error('cannot load uWebSockets.js');
    };
    expect(checkUws(none)).toMatchObject({ state: 'fail', says: 'cannot load uWebSockets.js' });
    expect(checkUws(undefined)).toMatchObject({ state: 'ok' });
  });

  it('measures space and fsync on the disk of a future folder, and leaves nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-machine-'));
    try {
      expect(await checkSpace(join(folder, 'not', 'there'))).toMatchObject({ check: 'space' });
      const { says } = await checkFsync(join(folder, 'not', 'there'));
      expect(says).toMatch(/^fsync takes \d+\.\d\d ms/);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('notices a wall clock that steps', async () => {
    let reads = 0;
    const stepping: Clock = {
      read: () => reading(Date.now() + (reads++ > 0 ? 1_000 : 0), performance.now()),
    };
    expect(await checkClock(stepping)).toMatchObject({ state: 'fail' });
  });
});

describe('a port', () => {
  async function portOf(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, resolve));
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  it('is free, or taken by another program', async () => {
    const server = createServer((socket) => socket.destroy());
    const port = await portOf(server);
    const says = `port ${port} is taken by another program`;
    expect(await checkPort('port', port, port)).toMatchObject({ state: 'fail', says });
    await new Promise((resolve) => server.close(resolve));
    expect(await checkPort('port', port, port)).toMatchObject({ state: 'ok' });
  });

  it.each<[string, RequestListener, string, string]>([
    [
      'a reto3',
      (_, response) => response.end('{"version":"1.2.3","uWebSockets":"none"}'),
      'ok',
      'and reto3 1.2.3 runs here',
    ],
    [
      'a reto3 that requires a token',
      (_, response) => response.writeHead(401).end('{"code":"RETO3_UNAUTHORIZED"}'),
      'ok',
      'and reto3 runs here',
    ],
    [
      'a program that breaks off its answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{');
        setImmediate(() => response.destroy());
      },
      'fail',
      'by another program',
    ],
  ])('is taken by %s', async (_, answer, state, says) => {
    const port = await portOf(createHttpServer(answer));
    const finding = await checkPort('port', port, port);
    expect(finding).toMatchObject({ state, says: expect.stringContaining(says) });
  });

  it('is said to be that of the reto3 here if this user may not listen on it', async () => {
    const port = await portOf(
      createHttpServer((_, response) => response.end('{"version":"1.2.3","uWebSockets":"none"}')),
    );
    const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
    const listen = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
      queueMicrotask(() => this.emit('error', error));
      return this;
    });
    onTestFinished(() => listen.mockRestore());
    expect(await checkPort('port', 80, port)).toMatchObject({
      ...{ state: 'ok', says: expect.stringContaining('and reto3') },
    });
  });

  it('is not called taken if listening fails for another reason', async () => {
    const error = Object.assign(new Error('listen EACCES: permission denied 0.0.0.0:80'), {
      code: 'EACCES',
    });
    const listen = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
      queueMicrotask(() => this.emit('error', error));
      return this;
    });
    onTestFinished(() => listen.mockRestore());
    expect(await checkPort('port', 80, 8_081)).toEqual({
      ...{ check: 'port', state: 'fail', says: error.message, cure: 'choose another port' },
    });
  });
});
