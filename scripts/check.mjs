/** `npm run check`: format, lint, types of everything, what is unused, what comes from others. */
import { bin, runOrExit, setup } from './setup.mjs';
import { checkSupplyChain } from './supply-chain.mjs';

setup();
runOrExit(bin('biome'), ['check', '--error-on-warnings', '.']);
runOrExit(bin('tsc'), ['--project', 'tsconfig.check.json']);
runOrExit(bin('tsc'), ['--project', 'packages/dashboard']);
runOrExit(bin('knip'), []);
checkSupplyChain();
