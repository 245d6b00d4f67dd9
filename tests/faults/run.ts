/** `npm run faults`: the faults of a single server. */
import { faults } from './faults/all.ts';
import { runFaults } from './runner.ts';

runFaults(faults, { file: 'docs/reliability.md', command: 'npm run faults' });
