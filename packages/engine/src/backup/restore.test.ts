import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLevel } from 'memory-level';
import { expect, it, onTestFinished } from 'vitest';
import { Store } from '../store/store.ts';
import { VirtualServer } from '../testing/virtual-server.ts';
import { restore } from './restore.ts';
import { writeBackup } from './stream.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

async function smallBackup(): Promise<Buffer> {
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const server = await VirtualServer.on(store, startMs);
  await server.count(70);
  const snapshot = await server.coordinator.backup();
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBackup(snapshot)) pieces.push(piece);
  await snapshot.close();
  return Buffer.concat(pieces);
}

it('refuses a backup with a flipped bit anywhere, as a damaged backup, and leaves nothing', async () => {
  const base = await mkdtemp(join(tmpdir(), 'reto3-restore-'));
  onTestFinished(() => rm(base, { recursive: true }));
  const file = join(base, 'backup');
  const bytes = await smallBackup();
  for (let at = 0; at < bytes.length; at += 17) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(file, flipped);
    await expect(restore(file, join(base, 'data'), startMs)).rejects.toMatchObject({
      code: 'RETO3_BACKUP_DAMAGED',
    });
  }
  expect(await readdir(base)).toEqual(['backup']);
});
