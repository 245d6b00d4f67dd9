/**
 * `npm start`: installs and builds what changed, then runs the server in this process, so that
 * signals reach it. What stands after `--` goes to `reto3 serve`.
 */
import { setup } from './setup.mjs';

setup();
const { main } = await import('../packages/cli/dist/main.js');
await main(['serve', ...process.argv.slice(2)]);
