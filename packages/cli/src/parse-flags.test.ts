import { Parser } from '@oclif/core';
import { settings } from '@reto3/server/settings';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { type FlagTable, healthFlags, statsFlags } from './flags.ts';
import { oclifFlags } from './oclif-flags.ts';
import { parseFlags } from './parse-flags.ts';
import { serveFlags } from './serve-flags.ts';

const tables: readonly FlagTable[] = [healthFlags, statsFlags, serveFlags];

afterEach(() => vi.unstubAllEnvs());

/**
 * Switches that are off are false with oclif, and absent with us; what was given several times is
 * an array with oclif, and has commas between with us.
 */
function whatIsOn(given: object): Record<string, unknown> {
  const on = Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => [name, Array.isArray(value) ? value.join() : value]);
  return Object.fromEntries(on);
}

const text = fc.oneof(
  fc.constantFrom('5', '5m', '-5', '-f', '--', '--json', '', ' ', 'last', 'a=b', 'http://[::1]:1'),
  fc.string(),
);

/** A table, and words that look like flags of it, or nearly. */
const commandLine = fc.constantFrom(...tables).chain((table) => {
  const name = fc.constantFrom(...Object.keys(table), 'nonsense', 'no-open', 'help', 'versio');
  const words = fc.oneof(
    name.map((flag) => [`--${flag}`]),
    fc.tuple(name, text).map(([flag, value]) => [`--${flag}`, value]),
    fc.tuple(name, text).map(([flag, value]) => [`--${flag}=${value}`]),
    fc.constantFrom('-f', '-ff', '-h', '-f=1', '-', '--').map((word) => [word]),
    text.map((word) => [word]),
  );
  const args = fc.array(words, { maxLength: 4 }).map((each) => each.flat());
  return fc.record({ table: fc.constant(table), args, url: fc.constantFrom('', 'http://here') });
});

test('what is understood is understood as oclif does', async () => {
  let understood = 0;
  await fc.assert(
    fc.asyncProperty(commandLine, async ({ table, args, url }) => {
      vi.stubEnv('RETO3_URL', url);
      const given = parseFlags(table, args, process.env);
      if (given === undefined) return;
      understood++;
      const { flags, nonExistentFlags, argv } = await Parser.parse(args, {
        flags: oclifFlags(table),
        args: {},
      });
      expect({ nonExistentFlags, argv }).toEqual({ nonExistentFlags: [], argv: [] });
      expect(whatIsOn(given)).toEqual(whatIsOn(flags));
    }),
    { numRuns: 2_000 },
  );
  expect(understood).toBeGreaterThan(200);
});

test('every flag of every command is understood alone', () => {
  for (const table of tables) {
    for (const [name, { value, repeatable }] of Object.entries(table)) {
      const args = value === undefined ? [`--${name}`] : [`--${name}`, 'text'];
      const wanted = value === undefined || (repeatable === 'array' ? ['text'] : 'text');
      expect(parseFlags(table, args, {})).toMatchObject({ [name]: wanted });
    }
  }
  expect(parseFlags(statsFlags, ['-f'], {})).toMatchObject({ follow: true });
});

test('every setting of the server is a flag', () => {
  expect(Object.keys(serveFlags)).toEqual(Object.values(settings).map(({ flag }) => flag));
});

test.each([
  [['--help']],
  [['--nonsense']],
  [['extra']],
  [['--last']],
  [['--last', '-5']],
  [['--last', '5', '--last', '6']],
  [['--last=']],
  [['--no-open']],
  [['--']],
])('%j is left to oclif', (args) => {
  expect(parseFlags(statsFlags, args, {})).toBeUndefined();
});
