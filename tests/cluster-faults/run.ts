/** `npm run cluster-faults`: the faults of servers connected by NATS. */
import { runFaults } from '../faults/runner.ts';
import { faults } from './faults/all.ts';

runFaults(faults, { file: 'docs/cluster-reliability.md', command: 'npm run cluster-faults' });
