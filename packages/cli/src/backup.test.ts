import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreSnapshot } from '@reto3/engine';
import { VirtualServer } from '@reto3/engine/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { backUp } from './backup.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-backup-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('blames the server, not the file, if it breaks off its answer', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 100 });
    response.write('RETO3BAK');
    setTimeout(() => response.destroy(), 50);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const source = { url: `http://127.0.0.1:${port}`, tokenFile: undefined, ca: undefined };
  const base = await temporaryFolder();
  await expect(backUp(source, join(base, 'counts'))).rejects.toMatchObject({
    code: 'RETO3_ANSWER_CUT',
    message: expect.stringContaining('broke off its answer'),
  });
  expect(await readdir(base)).toEqual([]);
});

it('blames the folder, not the file, if a row cannot be read', async () => {
  const base = await temporaryFolder();
  const folder = join(base, 'data');
  const server = await VirtualServer.in(folder, Date.UTC(2016, 4, 28));
  await server.count(1);
  await server.stop();
  vi.spyOn(StoreSnapshot.prototype, 'reports').mockImplementation(() => {
    throw Object.assign(new Error('IO error: 000005.ldb: Input/output error'), {
      code: 'LEVEL_IO_ERROR',
    });
  });
  onTestFinished(() => void vi.restoreAllMocks());
  await expect(backUp({ dataDir: folder }, join(base, 'counts'))).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: `cannot read the data folder ${folder}: IO error: 000005.ldb: Input/output error`,
    hint: expect.stringContaining('the disk fails'),
  });
  expect(await readdir(base)).toEqual(['data']);
});
