import { Parser } from '@oclif/core';
import { settings } from '@reto3/server/settings';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { type Command, loadAll } from './command.ts';
import { commands } from './commands.ts';
import { burstsFlags, statsFlags } from './flags.ts';
import { commands as oclifCommands } from './oclif.ts';
import { parseWords } from './parse-words.ts';
import { serveFlags } from './serve-flags.ts';

const all = await loadAll(commands);

afterEach(() => vi.unstubAllEnvs());

/** Removes switches that are off; joins repeated values with commas, as our parser does. */
function withoutBlanks(values: object): Record<string, unknown> {
  const present = Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => [name, Array.isArray(value) ? value.join() : value]);
  return Object.fromEntries(present);
}

const text = fc.oneof(
  fc.constantFrom('5', '5m', '-5', '-f', '--', '--json', '', ' ', 'last', 'a=b', 'http://[::1]:1'),
  fc.string(),
);

/** oclif has no repeatable arguments. */
const comparable = all.filter(([, { args }]) =>
  Object.values(args).every(({ repeatable }) => repeatable === undefined),
);

/** A command, and words that look more or less like its flags and arguments. */
const commandLine = fc.constantFrom(...comparable).chain(([name, command]) => {
  const flag = fc.constantFrom(
    // oclif has no flags whose value is optional.
    ...Object.keys(command.flags).filter((each) => command.flags[each]?.impliedValue === undefined),
    ...['since', 'until', 'nonsense', 'no-open', 'versio', 'constructor'],
  );
  const words = fc.oneof(
    flag.map((each) => [`--${each}`]),
    fc.tuple(flag, text).map(([each, value]) => [`--${each}`, value]),
    // After `=`, oclif rejects a value that looks like a flag.
    fc.tuple(flag, text).map(([each, value]) => [`--${each}=${value.replace(/^-+/, '')}`]),
    fc.constantFrom('-f', '-ff', '-n5', '-n=5', '-fn5', '-h', '-', '--').map((word) => [word]),
    fc.tuple(fc.constantFrom('-n', '-o'), text).map(([each, value]) => [each, value]),
    text.map((word) => [word]),
  );
  const line = fc.array(words, { maxLength: 4 }).map((each) => each.flat());
  return fc.record({
    name: fc.constant(name),
    command: fc.constant(command),
    words: line,
    url: fc.constantFrom('', 'http://here'),
  });
});

/**
 * The result of oclif's parser, which the help must agree with; undefined if it rejects the words.
 */
async function oclifParse(name: string, words: string[]) {
  const { flags = {}, args = {} } = oclifCommands[name] ?? {};
  const withoutStdin = Object.entries(args).map(([each, arg]) => [
    each,
    { ...arg, ignoreStdin: true },
  ]);
  return Parser.parse(words, { flags, args: Object.fromEntries(withoutStdin) });
}

async function parse(name: string, command: Command, words: readonly string[]) {
  return parseWords(name, command, words, process.env).catch((error: unknown) => {
    expect(error).toMatchObject({
      code: expect.stringMatching(/^RETO3_BAD_(COMMAND|FLAG)$/),
      hint: `see reto3 ${name} --help`,
    });
    return undefined;
  });
}

test('accepted words mean what oclif, which writes the help, takes them for', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(commandLine, async ({ name, command, words, url }) => {
      vi.stubEnv('RETO3_URL', url);
      const parsed = await parse(name, command, words);
      // oclif treats an empty argument as missing and then rejects it as unexpected.
      if (parsed === undefined || Object.values(parsed.args).includes('')) return;
      accepted++;
      const { flags, args, nonExistentFlags } = await oclifParse(name, words);
      expect(nonExistentFlags).toEqual([]);
      expect(withoutBlanks(parsed.flags)).toEqual(withoutBlanks(flags));
      expect(withoutBlanks(parsed.args)).toEqual(withoutBlanks(args));
    }),
    { numRuns: 1_000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('every flag of every command is accepted in every form', async () => {
  for (const [name, command] of all) {
    // With these, no required argument or flag is missing.
    const args = Object.keys(command.args).map(() => 'argument');
    const needed = Object.entries(command.flags).flatMap(([flag, { required }]) =>
      required ? [`--${flag}=needed`] : [],
    );
    for (const [flag, { value, alias, char, repeatable }] of Object.entries(command.flags)) {
      const long = [flag, ...(alias === undefined ? [] : [alias])].map((each) => `--${each}`);
      const short = char === undefined ? [] : [`-${char}`];
      const forms =
        value === undefined
          ? [...long, ...short].map((form) => [form])
          : [
              ...[...long, ...short].map((form) => [form, 'text']),
              ...[...long, ...short].map((form) => [`${form}=text`]),
              ...short.map((form) => [`${form}text`]),
            ];
      for (const form of forms) {
        const others = needed.filter((each) => !each.startsWith(`--${flag}=`));
        const { flags } = await parseWords(name, command, [...args, ...form, ...others], {});
        const wanted = value === undefined || (repeatable === 'array' ? ['text'] : 'text');
        expect(flags, `${name} ${form}`).toMatchObject({ [flag]: wanted });
      }
    }
  }
});

test.each([
  [['--who'], { who: 'path' }],
  [['--who', '--json'], { who: 'path', json: true }],
  [['--who', 'host', '--json'], { who: 'host', json: true }],
  [['--who=client'], { who: 'client' }],
  [['--who', '-n', '5'], { who: 'path', last: '5' }],
])('%j may stand without a value', async (words, flags) => {
  const parsed = await parseWords('bursts', { args: {}, flags: burstsFlags }, words, {});
  expect(parsed.flags).toMatchObject(flags);
});

const stats = { args: {}, flags: statsFlags };

test.each([
  [['--nonsense'], 'RETO3_BAD_FLAG', 'there is no flag --nonsense'],
  [['--lsat', '5'], 'RETO3_BAD_FLAG', 'there is no flag --lsat, did you mean "--last"?'],
  [['--frmo=5m'], 'RETO3_BAD_FLAG', 'there is no flag --frmo, did you mean "--from"?'],
  [['--bad'], 'RETO3_BAD_FLAG', 'there is no flag --bad'],
  [['-x'], 'RETO3_BAD_FLAG', 'there is no flag -x'],
  [['--no-open'], 'RETO3_BAD_FLAG', 'there is no flag --no-open, did you mean "--open"?'],
  [['--last'], 'RETO3_BAD_FLAG', 'got no value for --last'],
  [['-n'], 'RETO3_BAD_FLAG', 'got no value for --last'],
  [['--last', '--open'], 'RETO3_BAD_FLAG', 'got no value for --last'],
  [['--last', '-f'], 'RETO3_BAD_FLAG', 'got no value for --last'],
  [['--last', '5', '-n6'], 'RETO3_BAD_FLAG', 'got --last twice, want it once'],
  [['--open=yes'], 'RETO3_BAD_FLAG', 'got --open=yes, which takes no value'],
  [['a', 'b'], 'RETO3_BAD_COMMAND', 'got "a", "b", which reto3 stats does not take'],
  [['--', '--open'], 'RETO3_BAD_COMMAND', 'got "--open", which reto3 stats does not take'],
])('%j is refused: %s, %s', async (words, code, message) => {
  const parsed = parseWords('stats', stats, words, {});
  await expect(parsed).rejects.toMatchObject({ code, message, hint: 'see reto3 stats --help' });
});

test('what a command requires is asked for by name', async () => {
  const command = {
    args: { file: { description: '', required: true }, period: { description: '' } },
    flags: { 'data-dir': { description: '', value: 'FOLDER', required: true } },
  } as const;
  await expect(parseWords('x', command, [], {})).rejects.toMatchObject({
    code: 'RETO3_BAD_COMMAND',
    message: 'got no FILE',
  });
  await expect(parseWords('x', command, ['a'], {})).rejects.toMatchObject({
    code: 'RETO3_BAD_FLAG',
    message: 'got no --data-dir',
  });
  const { args, flags } = await parseWords('x', command, ['a', '--data-dir', '-5'], {});
  expect({ args, flags }).toEqual({
    args: { file: 'a', period: undefined },
    flags: { 'data-dir': '-5' },
  });
});

test('every setting of the server is a flag, after that of the file with settings', () => {
  const flags = Object.values(settings).map(({ flag }) => flag);
  expect(Object.keys(serveFlags)).toEqual(['config', ...flags]);
});
