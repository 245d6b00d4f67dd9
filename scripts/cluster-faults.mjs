/**
 * `npm run cluster-faults -- [--only NAME,…] [--rounds N]`: injects faults into real clusters of
 * servers and NATS, and prints one table: promise, fault, runs, figure, pass. A whole table is kept in
 * docs/cluster-reliability.md. Network namespaces need root, other rows Debian packages; without,
 * rows are skipped by name, and with RETO3_TEST_ALL=1 a skip is a failure.
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
