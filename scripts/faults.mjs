/**
 * `npm run faults -- [--only NAME,…] [--rounds N] [--soak-minutes N]`: injects faults into real
 * servers and prints a table: promise, fault, runs, figure, pass. A complete run writes the table
 * to docs/reliability.md. Rows that need root on Debian (strace, faketime, a tmpfs) are skipped by
 * name without it; with RETO3_TEST_ALL=1 a skip is a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { runFaultTable } from './fault-table.mjs';

runFaultTable({
  config: 'tests/faults/vitest.config.ts',
  programs: { faketime: 'faketime', strace: 'strace', wrk: 'wrk' },
  numbers: ['soak-minutes'],
  cleanUp(device) {
    if (!existsSync('/proc/mounts')) return;
    for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
      const [from, folder] = line.split(' ');
      if (from === device) spawnSync('umount', ['-l', folder]);
    }
  },
});
