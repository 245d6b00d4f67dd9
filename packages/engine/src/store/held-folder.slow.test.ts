import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { HeldFolder } from './held-folder.ts';

/** 200 MB: about a hundred tables. */
const [minutes, nodes, partBytes] = [100, 200, 10_000];

it.skipIf(process.platform !== 'linux')(
  "maps no more than 64 tables of a merger's folder into memory",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-held-folder-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const store = await new HeldFolder(folder, 'merger').openStore();
    const starts = Array.from({ length: minutes }, (_, minute) => minute * 60_000);
    // As a new merger reads them: so LevelDB has to merge them into tables of 2 MB.
    for (let node = 0; node < nodes; node++) {
      const parts = starts.map((start) => {
        return { part: `node-${node}`, start, bytes: randomBytes(partBytes) };
      });
      await store.write(parts, { sync: false });
    }
    for (const start of starts)
      for (let node = 0; node < nodes; node++) store.readPart(start, `node-${node}`);
    const maps = await readFile('/proc/self/maps', 'latin1');
    const mapped = maps.split('\n').filter((line) => line.includes(folder)).length;
    await store.close();
    expect(mapped).toBeGreaterThan(32);
    expect(mapped).toBeLessThanOrEqual(64);
  },
);
