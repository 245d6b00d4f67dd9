/** Real folders: an archive that does not exist, and one that cannot be read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listArchive } from './folder.ts';

it('lists nothing without an archive, and names an archive that cannot be read', () => {
  const place = mkdtempSync(join(tmpdir(), 'reto3-archive-'));
  try {
    const folder = join(place, 'archive');
    expect(listArchive(folder)).toEqual([]);
    writeFileSync(folder, '');
    expect(() => listArchive(folder)).toThrow(
      expect.objectContaining({
        code: 'RETO3_DATA_UNREADABLE',
        message: expect.stringMatching(/^cannot read the archive .*archive: ENOTDIR/),
      }),
    );
  } finally {
    rmSync(place, { recursive: true });
  }
});
