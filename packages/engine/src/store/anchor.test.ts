import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anchorIn } from './anchor.ts';

describe('the anchor of a folder', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-anchor-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is absent in a new folder', async () => {
    expect(await anchorIn(folder).read()).toBeUndefined();
  });

  it('returns what was written last, and leaves no other file', async () => {
    const anchor = anchorIn(folder);
    for (const writes of [1, 12, 4_294_967_296]) {
      await anchor.write(writes);
      expect(await anchorIn(folder).read()).toBe(writes);
    }
    expect(await readdir(folder)).toEqual(['ANCHOR']);
  });

  it('is corrupt if anything in it changed', async () => {
    const file = join(folder, 'ANCHOR');
    await anchorIn(folder).write(12);
    for (const text of ['', '12', '00000000 12\n', '4f5344cd 13\n', 'x']) {
      await writeFile(file, text);
      await expect(anchorIn(folder).read(), text).rejects.toMatchObject({
        code: 'RETO3_DATA_CORRUPT',
      });
    }
  });
});
