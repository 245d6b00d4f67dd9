import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
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
  watch = await FileWatch.of([file('link'), file('absent')]);
});

function begin(): void {
  watch.begin(async () => void changes++, 5);
}

afterEach(async () => {
  watch.stop();
  await rm(folder, { recursive: true });
});

it('notices a file that is written, one that appears, and a link to another', async () => {
  begin();
  await writeFile(file('one'), '22');
  await vi.waitUntil(() => changes === 1);
  await writeFile(file('absent'), '');
  await vi.waitUntil(() => changes === 2);
  await writeFile(file('two'), '22');
  await symlink('two', file('new'));
  await rename(file('new'), file('link'));
  await vi.waitUntil(() => changes === 3);
});

it('notices a change before it begins, as during a long start', async () => {
  await writeFile(file('one'), '22');
  begin();
  await vi.waitUntil(() => changes === 1);
});

it('goes on after a file vanishes', async () => {
  begin();
  await rm(file('one'));
  await vi.waitUntil(() => changes === 1);
  await writeFile(file('one'), '1');
  await vi.waitUntil(() => changes === 2);
});
