/**
 * `npm run bench -- [OPTIONS]`: installs and builds whatever changed, then measures; with
 * `--production` in another root directory.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianRoot } from './debian-root.mjs';
import { root, runOrExit, setup } from './setup.mjs';

const args = process.argv.slice(2);
const program = ['packages/bench/dist/main.js', ...args];

/** The start of a command that runs in production's environment. Exits if there is none here. */
function inProduction() {
  const debian = debianRoot();
  if (debian.missing !== undefined) {
    console.error(`bench: cannot make a Debian 13: ${debian.missing}`);
    process.exit(1);
  }
  const clone = root.replace(/\/$/, '');
  return [
    join(clone, 'scripts/enter-root.sh'),
    debian.root,
    clone,
    tmpdir(),
    '/usr/local/bin/node',
  ];
}

setup();
if (args.includes('--production') && !args.includes('--render'))
  runOrExit('sh', [...inProduction(), ...program]);
else runOrExit(process.execPath, program);
