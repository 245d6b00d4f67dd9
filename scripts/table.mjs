/** Runs a table of tests with Vitest. Flags reach the tests as environment variables. */
import { parseArgs } from 'node:util';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/** The values of the flags. Exits with 2 if the command line has anything else. */
function parse(numbers) {
  const names = ['only', ...numbers];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const { values, tokens } = parseArgs({ options, strict: false, tokens: true });
  const wrong = tokens.find(
    ({ kind, name, value }) => kind !== 'option' || !names.includes(name) || value === undefined,
  );
  if (wrong !== undefined) {
    const wanted = ['--only NAME,…', ...numbers.map((name) => `--${name} N`)];
    const got = wrong.rawName ?? wrong.value ?? '--';
    console.error(`reto3: got ${got}, want some of ${wanted.join(', ')}`);
    process.exit(2);
  }
  for (const name of numbers) {
    const text = values[name] ?? '1';
    if (/^\d+$/.test(text) && Number(text) > 0) continue;
    console.error(`reto3: got --${name} "${text}", want a whole number from 1`);
    process.exit(2);
  }
  return values;
}

/**
 * @param {{
 *   config: string, programs: Record<string, string>, prefix: string, numbers: string[],
 *   environment?: Record<string, string>
 * }} table `prefix` of the environment variables; `numbers` are the flags besides --only
 */
export function runTable({ config, programs, prefix, numbers, environment }) {
  const values = parse(numbers);
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
