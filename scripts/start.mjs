/**
 * `npm start -- [FLAGS]`: installs and builds whatever changed, then runs `reto3 serve` with these
 * flags in this process, so that signals reach it.
 */
import { setup } from './setup.mjs';

setup();
const { main } = await import('../packages/cli/dist/main.js');
await main(['serve', ...process.argv.slice(2)]);
