/**
 * `npm run check`: architecture, format, lint, types, unused code, the generated references of
 * commands and settings, documents, dependencies.
 */
import { checkArchitecture } from './architecture.mjs';
import { checkCommandReference } from './command-reference.mjs';
import { checkSettingsReference } from './settings-reference.mjs';
import { bin, runOrExit, setup } from './setup.mjs';
import { checkSupplyChain } from './supply-chain.mjs';

setup();
checkArchitecture();
runOrExit(bin('biome'), ['check', '--error-on-warnings', '.']);
runOrExit(bin('tsc'), ['--project', 'tsconfig.check.json']);
runOrExit(bin('tsc'), ['--project', 'packages/dashboard']);
runOrExit(bin('knip'), []);
await checkCommandReference();
await checkSettingsReference();
runOrExit(bin('vitest'), ['run', 'tests/project/docs.test.ts', '--reporter', 'dot']);
checkSupplyChain();
