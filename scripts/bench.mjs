/** `npm run bench`: installs and builds what changed, then measures. Options stand after `--`. */
import { runOrExit, setup } from './setup.mjs';

setup();
runOrExit(process.execPath, ['packages/bench/dist/main.js', ...process.argv.slice(2)]);
