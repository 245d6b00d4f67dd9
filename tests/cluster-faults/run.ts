/** `npm run cluster-faults`: several servers, NATS between them, and what may happen to all of that. */
import { runFaults } from '../faults/runner.ts';
import { faults } from './faults/all.ts';

runFaults(faults, { file: 'docs/cluster-reliability.md', command: 'npm run cluster-faults' });
