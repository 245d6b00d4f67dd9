/** Runs a table of tests with Vitest. Flags reach the tests as environment variables. */
import { parseArgs } from 'node:util';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/**
 * @param {{
 *   config: string, programs: Record<string, string>, prefix: string, numbers: string[],
 *   environment?: Record<string, string>
 * }} table `prefix` of the environment variables; `numbers` are the flags besides --only
 */
export function runTable({ config, programs, prefix, numbers, environment }) {
  const { values } = parseArgs({
    options: Object.fromEntries(['only', ...numbers].map((name) => [name, { type: 'string' }])),
  });
  for (const name of numbers) {
    const text = values[name] ?? '1';
    if (/^\d+$/.test(text) && Number(text) > 0) continue;
    console.error(`reto3: got --${name} "${text}", want a whole number from 1`);
    process.exit(2);
  }
  setup();
  installMissing(programs);
  const settings = Object.entries(values).map(([name, value]) => [
    `${prefix}_${name.toUpperCase().replaceAll('-', '_')}`,
    value,
  ]);
  runOrExit(bin('vitest'), ['run', '--config', config, '--root', '.'], {
    env: { ...process.env, ...environment, ...Object.fromEntries(settings) },
  });
}
