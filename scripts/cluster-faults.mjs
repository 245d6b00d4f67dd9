/**
 * `npm run cluster-faults -- [--only NAME,…] [--rounds N]`: injects faults into real clusters of
 * servers and NATS, and prints a table: promise, fault, runs, figure, pass. A complete run writes
 * the table to docs/cluster-reliability.md. Rows that need root (for network namespaces) or a
 * missing Debian package are skipped by name; with RETO3_TEST_ALL=1 a skip is a failure.
 */
import { spawnSync } from 'node:child_process';
import { runFaultTable } from './fault-table.mjs';

runFaultTable({
  config: 'tests/cluster-faults/vitest.config.ts',
  programs: {
    faketime: 'faketime',
    haproxy: 'haproxy',
    ip: 'iproute2',
    'nats-server': 'nats-server',
    nft: 'nftables',
    tsung: 'tsung',
  },
  cleanUp(device) {
    const { stdout = '' } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    for (const line of (stdout ?? '').split('\n')) {
      const [name = ''] = line.split(' ');
      if (name.startsWith(`${device}-`)) spawnSync('ip', ['netns', 'delete', name]);
    }
  },
});
