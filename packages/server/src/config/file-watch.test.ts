import { mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, it, vi } from 'vitest';
import { FileWatch } from './file-watch.ts';

let folder: string;
let changes: number;
let watch: FileWatch;
const file = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-watch-'));
  await writeFile(file('one'), '1');
  await symlink('one', file('link'));
  changes = 0;
  watch = new FileWatch([file('link'), file('absent')], async () => void changes++, 5);
  // Queued after the watch's own first `stat`.
  await stat(file('one'));
});

afterEach(async () => {
  watch.stop();
  await rm(folder, { recursive: true });
});

it('notices a file that is written, one that appears, and a link to another', async () => {
  await writeFile(file('one'), '22');
  await vi.waitUntil(() => changes === 1);
  await writeFile(file('absent'), '');
  await vi.waitUntil(() => changes === 2);
  await writeFile(file('two'), '22');
  await symlink('two', file('new'));
  await rename(file('new'), file('link'));
  await vi.waitUntil(() => changes === 3);
});

it('goes on after a file vanishes', async () => {
  await rm(file('one'));
  await vi.waitUntil(() => changes === 1);
  await writeFile(file('one'), '1');
  await vi.waitUntil(() => changes === 2);
});
