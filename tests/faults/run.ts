/** `npm run faults`: one server, and what may happen to it. */
import { faults } from './faults/all.ts';
import { runFaults } from './runner.ts';

runFaults(faults, { file: 'docs/reliability.md', command: 'npm run faults' });
