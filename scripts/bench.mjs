/** `npm run bench -- [OPTIONS]`: installs and builds whatever changed, then measures. */
import { runOrExit, setup } from './setup.mjs';

setup();
runOrExit(process.execPath, ['packages/bench/dist/main.js', ...process.argv.slice(2)]);
