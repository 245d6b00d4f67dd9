import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { connectionsPerWorker, descriptorLimit } from './connections.ts';

describe('connectionsPerWorker', () => {
  it.each([
    [20_000, 1, 18_300],
    [20_000, 4, 4_575],
    [1_024, 1, 512],
    [1_024, 4, 128],
    [4, 16, 1],
    [Number.POSITIVE_INFINITY, 2, Number.POSITIVE_INFINITY],
  ])('leaves descriptors for the rest of the process: %i by %i', (descriptors, workers, wanted) => {
    expect(connectionsPerWorker(descriptors, workers)).toBe(wanted);
  });
});

describe('descriptorLimit', () => {
  it.runIf(process.platform === 'linux')('equals the limit of the system', () => {
    // Node.js raises the soft limit to the hard one when it starts.
    const { stdout } = spawnSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
    expect(String(descriptorLimit())).toBe(stdout.trim().replace('unlimited', 'Infinity'));
  });
});
