import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  type Config,
  environmentVariableOf,
  isLoopback,
  logLevels,
  resolveConfig,
  settings,
} from './config.ts';
import { Reto3Error } from './errors.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Name = keyof Config;

interface Case {
  readonly variable: string;
  readonly fallback: Config[Name];
  /** As written, and as understood. The first is not the default, the second is another. */
  readonly good: readonly (readonly [text: string, value: Config[Name]])[];
  readonly bad: readonly string[];
  readonly wanted: string;
}

const port = {
  good: [
    ['0', 0],
    ['65535', 65_535],
  ],
  bad: ['65536', '-1', '1.5', '1e3', '0x10', ' 80', '80a', ''],
  wanted: 'a whole number from 0 to 65535',
} as const;
const address = {
  good: [
    ['::1', '::1'],
    ['localhost', 'localhost'],
  ],
  bad: ['example.org', '256.0.0.1', '127.0.0.1:80', ''],
  wanted: 'an IP address of this machine, or localhost',
} as const;
const path = {
  good: [
    ['/somewhere', '/somewhere'],
    ['a folder', 'a folder'],
  ],
  bad: ['', '  '],
  wanted: 'a path',
} as const;

const cases: Readonly<Record<Name, Case>> = {
  port: { variable: 'RETO3_PORT', fallback: 8_080, ...port },
  host: { variable: 'RETO3_HOST', fallback: '0.0.0.0', ...address },
  adminPort: { variable: 'RETO3_ADMIN_PORT', fallback: 8_081, ...port },
  adminHost: { variable: 'RETO3_ADMIN_HOST', fallback: '127.0.0.1', ...address },
  adminTokenFile: { variable: 'RETO3_ADMIN_TOKEN_FILE', fallback: undefined, ...path },
  adminOpen: {
    variable: 'RETO3_ADMIN_OPEN',
    fallback: false,
    good: [
      ['true', true],
      ['NO', false],
      ['1', true],
      ['off', false],
    ],
    bad: ['maybe', '2', ''],
    wanted: 'true or false',
  },
  dataDir: { variable: 'RETO3_DATA_DIR', fallback: './data', ...path },
  workers: {
    variable: 'RETO3_WORKERS',
    fallback: Math.max(1, availableParallelism() - 1),
    good: [
      ['1', 1],
      ['256', 256],
    ],
    bad: ['0', '257', 'two'],
    wanted: 'a whole number from 1 to 256',
  },
  ack: {
    variable: 'RETO3_ACK',
    fallback: 'memory',
    good: [
      ['durable', 'durable'],
      ['memory', 'memory'],
    ],
    bad: ['disk', 'Durable', ''],
    wanted: 'one of memory, durable',
  },
  flushMs: {
    variable: 'RETO3_FLUSH_MS',
    fallback: 100,
    good: [
      ['10', 10],
      ['10000', 10_000],
    ],
    bad: ['9', '10001', '100ms'],
    wanted: 'a whole number from 10 to 10000',
  },
  retainMs10: {
    variable: 'RETO3_RETAIN_MS10',
    fallback: 30 * dayMs,
    good: [
      ['1h', hourMs],
      ['3600s', hourMs],
      ['60m', hourMs],
      ['2d', 2 * dayMs],
    ],
    bad: ['59m', '3599s', '0', '30', '1.5d', '-1d', '1w', 'Forever', ''],
    wanted: 'at least 1h: a number and s, m, h, d or y, or forever',
  },
  retainSec: {
    variable: 'RETO3_RETAIN_SEC',
    fallback: 365 * dayMs,
    good: [
      ['2y', 730 * dayMs],
      ['forever', Number.POSITIVE_INFINITY],
    ],
    bad: ['23h', 'never', ''],
    wanted: 'at least 1d: a number and s, m, h, d or y, or forever',
  },
  retainMin: {
    variable: 'RETO3_RETAIN_MIN',
    fallback: Number.POSITIVE_INFINITY,
    good: [
      ['2y', 730 * dayMs],
      ['forever', Number.POSITIVE_INFINITY],
    ],
    bad: ['23h', '1y1d', ''],
    wanted: 'at least 1d: a number and s, m, h, d or y, or forever',
  },
  node: {
    variable: 'RETO3_NODE',
    fallback: hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-'),
    good: [
      ['a', 'a'],
      ['Node-7_b'.padEnd(64, 'x'), 'Node-7_b'.padEnd(64, 'x')],
    ],
    bad: ['', 'a.b', 'a b', 'a*', '>', 'x'.repeat(65)],
    wanted: '1 to 64 letters, digits, hyphens and underscores',
  },
  logLevel: {
    variable: 'RETO3_LOG_LEVEL',
    fallback: 'info',
    good: [
      ['trace', 'trace'],
      ['silent', 'silent'],
    ],
    bad: ['INFO', 'verbose', ''],
    wanted: `one of ${logLevels.join(', ')}`,
  },
};

it('is tested setting by setting, all of them', () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(settings).sort());
});

describe.each(Object.entries(cases) as [Name, Case][])('the setting %s', (name, wanted) => {
  const { flag, fallbackText } = settings[name];
  const [[text, value], [otherText]] = wanted.good as [Case['good'][0], Case['good'][0]];

  it('has its default where neither flag nor environment says something', () => {
    expect(resolveConfig({}, {})[name]).toBe(wanted.fallback);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(resolveConfig({}, { [wanted.variable]: '' })[name]).toBe(wanted.fallback);
  });

  it('is read from the environment', () => {
    expect(environmentVariableOf(settings[name])).toBe(wanted.variable);
    expect(resolveConfig({}, { [wanted.variable]: text })[name]).toBe(value);
  });

  it('is read from the flag, which beats the environment', () => {
    expect(resolveConfig({ [flag]: text }, { [wanted.variable]: otherText })[name]).toBe(value);
  });

  it.each(wanted.good)('understands "%s"', (good, understood) => {
    expect(resolveConfig({ [flag]: good }, {})[name]).toBe(understood);
  });

  it.each(wanted.bad)(
    'refuses the flag with "%s", naming flag, value and what is wanted',
    (bad) => {
      expect(() => resolveConfig({ [flag]: bad }, {})).toThrow(
        new Reto3Error('RETO3_BAD_SETTING', `got --${flag} "${bad}", want ${wanted.wanted}`),
      );
    },
  );

  it.each(wanted.bad.filter((bad) => bad !== ''))('refuses the variable with "%s"', (bad) => {
    expect(() => resolveConfig({}, { [wanted.variable]: bad })).toThrow(
      new Reto3Error('RETO3_BAD_SETTING', `got ${wanted.variable} "${bad}", want ${wanted.wanted}`),
    );
  });

  it('does not look at a bad variable that the flag beats', () => {
    const [bad = ''] = wanted.bad;
    expect(resolveConfig({ [flag]: text }, { [wanted.variable]: bad })[name]).toBe(value);
  });

  it('says its default in the help as it is', () => {
    const { fallback } = settings[name];
    if (name.startsWith('retain'))
      expect(resolveConfig({ [flag]: fallback }, {})[name]).toBe(wanted.fallback);
    else if (fallbackText === undefined && fallback !== undefined)
      expect(String(wanted.fallback)).toBe(settings[name].fallback);
  });
});

describe('how long the periods are kept', () => {
  it('never grows shorter from ms10 to sec to min', () => {
    expect(() => resolveConfig({ 'retain-sec': '29d' }, {})).toThrow(
      'got --retain-sec "29d", want at least --retain-ms10, which is "30d"',
    );
    expect(() => resolveConfig({ 'retain-min': '30d' }, { RETO3_RETAIN_SEC: '31d' })).toThrow(
      'got --retain-min "30d", want at least RETO3_RETAIN_SEC, which is "31d"',
    );
    expect(() => resolveConfig({ 'retain-ms10': 'forever' }, {})).toThrow('want at least');
    const same = { 'retain-ms10': '2d', 'retain-sec': '48h', 'retain-min': '2d' };
    expect(resolveConfig(same, {})).toMatchObject({ retainMin: 2 * dayMs });
  });
});

describe('an admin host that others may reach', () => {
  it('is refused without a token or the word that it is open', () => {
    expect(() => resolveConfig({ 'admin-host': '0.0.0.0' }, {})).toThrow(
      'got --admin-host "0.0.0.0", which others may reach, ' +
        'want --admin-token-file or --admin-open with it',
    );
  });

  it('is refused under the name it was given by', () => {
    expect(() => resolveConfig({}, { RETO3_ADMIN_HOST: '::' })).toThrow(
      'got RETO3_ADMIN_HOST "::"',
    );
  });

  it('is taken with a token file, or with --admin-open', () => {
    const host = { 'admin-host': '192.0.2.1' };
    expect(resolveConfig({ ...host, 'admin-token-file': 'token' }, {}).adminHost).toBe('192.0.2.1');
    expect(resolveConfig(host, { RETO3_ADMIN_OPEN: 'true' }).adminHost).toBe('192.0.2.1');
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '1.127.0.0', '::ffff:192.0.2.1', '127.example.org'])(
    'is %s',
    (host) => expect(isLoopback(host)).toBe(false),
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('is not %s', (host) =>
    expect(isLoopback(host)).toBe(true),
  );
});

describe('docs/operations.md', () => {
  const path = new URL('../../../docs/operations.md', import.meta.url);
  const document = readFileSync(path, 'utf8');

  it.each(Object.values(settings))('explains --$flag with its default', (setting) => {
    const row = document.split('\n').find((line) => line.startsWith(`| \`--${setting.flag}\` |`));
    const fallback = setting.fallbackText ?? setting.fallback ?? 'none';
    expect(row?.replace('−', '-')).toContain(`| ${fallback === 'false' ? 'off' : fallback} |`);
  });
});
