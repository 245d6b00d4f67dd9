/** `npm run check`: format, lint, types of everything, what is unused. */
import { bin, runOrExit, setup } from './setup.mjs';

setup();
runOrExit(bin('biome'), ['check', '--error-on-warnings', '.']);
runOrExit(bin('tsc'), ['--project', 'tsconfig.check.json']);
runOrExit(bin('knip'), []);
