import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@reto3/core';
import { reading } from '@reto3/core/src/clock.ts';
import { describe, expect, it } from 'vitest';
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

  it('names its glibc, and warns where there is none', () => {
    const report = { header: { glibcVersionRuntime: '2.36' } };
    expect(checkGlibc(report)).toMatchObject({ state: 'ok', says: 'glibc 2.36' });
    expect(checkGlibc({ header: {} })).toMatchObject({ state: 'warn' });
    expect(checkGlibc(undefined)).toMatchObject({ state: 'warn' });
  });

  it('names the build of uWebSockets.js, or says why there is none', () => {
    const says = 'uWebSockets.js 20.57.0 (newer build)';
    expect(checkUws(() => '20.57.0 (newer build)')).toMatchObject({ state: 'ok', says });
    const none = (): string => {
      throw new Error('cannot load uWebSockets.js');
    };
    expect(checkUws(none)).toMatchObject({ state: 'fail', says: 'cannot load uWebSockets.js' });
    expect(checkUws(undefined)).toMatchObject({ state: 'ok' });
  });

  it('measures space and fsync where the folder will be, and leaves nothing', async () => {
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

  it('tells a free port from one that something else has', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((done) => server.listen(0, done));
    const { port } = server.address() as AddressInfo;
    expect(await checkPort('port', port, port)).toMatchObject({ state: 'fail' });
    await new Promise((done) => server.close(done));
    expect(await checkPort('port', port, port)).toMatchObject({ state: 'ok' });
  });

  it('sees a wall clock that is moved', async () => {
    let reads = 0;
    const moved: Clock = {
      read: () => reading(Date.now() + (reads++ > 0 ? 1_000 : 0), performance.now()),
    };
    expect(await checkClock(moved)).toMatchObject({ state: 'fail' });
  });
});
