/** Runs a table of faults: `npm run faults`, `npm run cluster-faults`. */
import { parseArgs } from 'node:util';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/** What the tests call the mounts and namespaces that they make. */
const device = `reto3-faults-${process.pid}`;

/**
 * @param {{
 *   config: string, programs: Record<string, string>, numbers?: string[],
 *   cleanUp: (device: string) => void
 * }} table `numbers` are the flags besides --only and --rounds; `cleanUp` removes what is called like the device
 */
export function runFaultTable({ config, programs, numbers = [], cleanUp }) {
  const wholeNumbers = ['rounds', ...numbers];
  const names = ['only', ...wholeNumbers];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  for (const name of wholeNumbers) {
    const text = values[name] ?? '1';
    if (/^\d+$/.test(text) && Number(text) > 0) continue;
    console.error(`reto3: got --${name} "${text}", want a whole number from 1`);
    process.exit(2);
  }
  // Ctrl-C ends Vitest before it can clean up; servers end with the terminal, these do not.
  process.on('SIGINT', () => process.exit(130));
  process.on('exit', () => cleanUp(device));

  setup();
  installMissing(programs);
  const settings = Object.entries(values).map(([name, value]) => [
    `RETO3_FAULTS_${name.toUpperCase().replace('-', '_')}`,
    value,
  ]);
  runOrExit(bin('vitest'), ['run', '--config', config, '--root', '.'], {
    env: { ...process.env, RETO3_FAULTS_DEVICE: device, ...Object.fromEntries(settings) },
  });
}
