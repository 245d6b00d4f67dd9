/** How long the disk takes for an fsync. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { quantile } from '@reto3/bench/src/statistics.ts';
import { temporaryFolder } from '../../support/folder.ts';

const record = Buffer.alloc(80, 1);
const times = 200;

/** The median time to append a record and put it on disk, where servers keep their folders, in ms. */
export async function fsyncMs(): Promise<number> {
  const file = await open(join(await temporaryFolder(), 'record'), 'w');
  const took: number[] = [];
  try {
    for (let time = 0; time < times; time++) {
      const began = performance.now();
      await file.write(record);
      await file.datasync();
      took.push(performance.now() - began);
    }
  } finally {
    await file.close();
  }
  return quantile(took, 0.5);
}
