import { hostname } from 'node:os';
import { Reto3Error } from '@reto3/core';
import { describe, expect, it } from 'vitest';
import { parseRule } from '../alert/rule.ts';
import { availableCores } from './available-cores.ts';
import { resolveConfig } from './resolve-config.ts';
import { environmentVariableOf } from './setting.ts';
import { logLevels } from './settings/log.ts';
import { type Config, settings } from './settings.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Name = keyof Config;

interface Case {
  readonly variable: string;
  readonly fallback: Config[Name];
  /** Two texts with their values. The first is not the default; the second differs from it. */
  readonly good: readonly (readonly [text: string, value: Config[Name]])[];
  readonly bad: readonly string[];
  readonly wanted: string;
  /** Flags that this setting requires. */
  readonly beside?: Readonly<Record<string, string>>;
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

function ruleOf(text: string) {
  const rule = parseRule(text);
  if (typeof rule === 'string') throw new Error(rule);
  return rule;
}

const cases: Readonly<Record<Name, Case>> = {
  port: { variable: 'RETO3_PORT', fallback: 8_080, ...port },
  host: { variable: 'RETO3_HOST', fallback: '0.0.0.0', ...address },
  http: {
    variable: 'RETO3_HTTP',
    fallback: 'uws',
    good: [
      ['node', 'node'],
      ['uws', 'uws'],
    ],
    bad: ['', 'Node', 'http'],
    wanted: 'one of uws, node',
  },
  trustProxy: {
    variable: 'RETO3_TRUST_PROXY',
    fallback: undefined,
    good: [
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
      ['192.0.2.1', ['192.0.2.1']],
    ],
    bad: ['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/x', '::1/129', '10.0.0.1,'],
    wanted: 'comma-separated IP addresses or networks, such as 10.0.0.0/8,::1',
  },
  reportMetrics: {
    variable: 'RETO3_REPORT_METRICS',
    fallback: undefined,
    good: [
      ['lag,by:path', ['lag', 'by:path']],
      ['top', ['top']],
    ],
    bad: ['', 'lag,'],
    wanted: 'names of reports or paths of modules',
  },
  reportChanged: {
    variable: 'RETO3_REPORT_CHANGED',
    fallback: 'refuse',
    good: [
      ['anew', 'anew'],
      ['refuse', 'refuse'],
    ],
    bad: ['', 'yes'],
    wanted: 'one of refuse, anew',
  },
  tlsCert: {
    variable: 'RETO3_TLS_CERT',
    fallback: undefined,
    ...path,
    beside: { 'tls-key': 'f' },
  },
  tlsKey: {
    variable: 'RETO3_TLS_KEY',
    fallback: undefined,
    ...path,
    beside: { 'tls-cert': 'f' },
  },
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
  adminTlsCert: {
    variable: 'RETO3_ADMIN_TLS_CERT',
    fallback: undefined,
    ...path,
    beside: { 'admin-tls-key': 'f' },
  },
  adminTlsKey: {
    variable: 'RETO3_ADMIN_TLS_KEY',
    fallback: undefined,
    ...path,
    beside: { 'admin-tls-cert': 'f' },
  },
  adminNames: {
    variable: 'RETO3_ADMIN_NAME',
    fallback: [],
    good: [
      ['reto3.example.org', ['reto3.example.org']],
      ['a,b_c', ['a', 'b_c']],
      ['', []],
    ],
    bad: ['http://a', 'a:80', 'a b', '*'],
    wanted: 'comma-separated names such as reto3.example.org, without ports',
  },
  dataDir: { variable: 'RETO3_DATA_DIR', fallback: './data', ...path },
  workers: {
    variable: 'RETO3_WORKERS',
    fallback: Math.max(1, Math.min(16, availableCores() - 1)),
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
  maxBody: {
    variable: 'RETO3_MAX_BODY',
    fallback: 1_000_000,
    good: [
      ['64KB', 64_000],
      ['1GB', 1_000_000_000],
      ['0B', 0],
    ],
    bad: ['1000', '1.5MB', '1MiB', '1mb', '-1B', '2GB', ''],
    wanted: '0B to 1GB: a whole number and B, KB, MB or GB',
  },
  flushMs: {
    variable: 'RETO3_FLUSH_MS',
    fallback: 50,
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
  nats: {
    variable: 'RETO3_NATS',
    fallback: undefined,
    good: [
      ['10.0.0.1', ['nats://10.0.0.1']],
      ['nats://a:4222,tls://b:4223', ['nats://a:4222', 'tls://b:4223']],
      ['[::1]:4222', ['nats://[::1]:4222']],
    ],
    bad: ['http://a', 'nats://', 'nats://a:4222,', 'nats://a/b', 'a b', ''],
    wanted: 'servers such as nats://10.0.0.1:4222,nats://10.0.0.2:4222',
  },
  role: {
    variable: 'RETO3_ROLE',
    fallback: 'both',
    good: [
      ['ingest', 'ingest'],
      ['merge', 'merge'],
    ],
    bad: ['reader', 'Merge', ''],
    wanted: 'one of both, ingest, merge',
    beside: { nats: '127.0.0.1' },
  },
  silentAfter: {
    variable: 'RETO3_SILENT_AFTER',
    fallback: 10_000,
    good: [
      ['2s', 2_000],
      ['forever', Number.POSITIVE_INFINITY],
    ],
    bad: ['1s', '10', ''],
    wanted: 'at least 2s: a number and s, m, h, d or y, or forever',
  },
  natsStream: {
    variable: 'RETO3_NATS_STREAM',
    fallback: 'RETO3_WINDOWS',
    good: [
      ['A_b-1', 'A_b-1'],
      ['a', 'a'],
    ],
    bad: ['', 'a.b', 'a b', 'a*', '>', 'x'.repeat(65)],
    wanted: '1 to 64 letters, digits, hyphens and underscores',
  },
  natsSubject: {
    variable: 'RETO3_NATS_SUBJECT',
    fallback: 'reto3.windows',
    good: [
      ['a', 'a'],
      ['eu.west-1.reto3', 'eu.west-1.reto3'],
    ],
    bad: ['', '.a', 'a.', 'a..b', 'a.*', 'a.>', 'a b'],
    wanted: 'words of letters, digits, hyphens and underscores, separated by dots',
  },
  natsGroup: {
    variable: 'RETO3_NATS_GROUP',
    fallback: undefined,
    good: [
      ['EAST=reto3.east', [{ stream: 'EAST', subjects: 'reto3.east' }]],
      [
        'EAST=reto3.east,WEST@west=reto3.west',
        [
          { stream: 'EAST', subjects: 'reto3.east' },
          { stream: 'WEST', domain: 'west', subjects: 'reto3.west' },
        ],
      ],
    ],
    bad: ['', 'EAST', 'EAST=', '=reto3.east', 'EAST@=reto3.east', 'EAST=reto3.>'],
    wanted: 'a stream and its subjects, such as EAST=reto3.east or EAST@domain=reto3.east',
    beside: { role: 'merge', nats: 'nats://127.0.0.1:4222' },
  },
  natsReplicas: {
    variable: 'RETO3_NATS_REPLICAS',
    fallback: undefined,
    good: [
      ['3', 3],
      ['5', 5],
    ],
    bad: ['0', '2', '7', ''],
    wanted: '1, 3 or 5',
  },
  natsStorage: {
    variable: 'RETO3_NATS_STORAGE',
    fallback: 'file',
    good: [
      ['memory', 'memory'],
      ['file', 'file'],
    ],
    bad: ['disk', ''],
    wanted: 'one of file, memory',
  },
  natsMaxAge: {
    variable: 'RETO3_NATS_MAX_AGE',
    fallback: dayMs,
    good: [
      ['10m', 600_000],
      ['forever', Number.POSITIVE_INFINITY],
    ],
    bad: ['9m', '1', ''],
    wanted: 'at least 10m: a number and s, m, h, d or y, or forever',
  },
  natsCreds: { variable: 'RETO3_NATS_CREDS', fallback: undefined, ...path },
  natsUser: {
    variable: 'RETO3_NATS_USER',
    fallback: undefined,
    good: [
      ['reto3', 'reto3'],
      ['a@b', 'a@b'],
    ],
    bad: ['', 'a b'],
    wanted: 'a name without spaces',
    beside: { 'nats-password-file': 'f' },
  },
  natsPasswordFile: {
    variable: 'RETO3_NATS_PASSWORD_FILE',
    fallback: undefined,
    ...path,
    beside: { 'nats-user': 'u' },
  },
  natsTokenFile: { variable: 'RETO3_NATS_TOKEN_FILE', fallback: undefined, ...path },
  natsCa: { variable: 'RETO3_NATS_CA', fallback: undefined, ...path },
  natsCert: {
    variable: 'RETO3_NATS_CERT',
    fallback: undefined,
    ...path,
    beside: { 'nats-key': 'f' },
  },
  natsKey: {
    variable: 'RETO3_NATS_KEY',
    fallback: undefined,
    ...path,
    beside: { 'nats-cert': 'f' },
  },
  tail: {
    variable: 'RETO3_TAIL',
    fallback: undefined,
    good: [
      ['/a', [{ path: '/a' }]],
      ['/a b=nginx,/c=d/e', [{ path: '/a b', format: 'nginx' }, { path: '/c=d/e' }]],
    ],
    bad: ['', '/a,', '=nginx'],
    wanted: 'paths of files, each perhaps with =FORMAT behind it',
  },
  tailLate: {
    variable: 'RETO3_TAIL_LATE',
    fallback: 2_000,
    good: [
      ['500ms', 500],
      ['0s', 0],
      ['10m', 600_000],
    ],
    bad: ['', '2', '11m', '-1s', 'forever', '1h'],
    wanted: '0s to 10m: a whole number and ms, s or m',
  },
  tailZone: {
    variable: 'RETO3_TAIL_ZONE',
    fallback: undefined,
    good: [
      ['UTC', 'UTC'],
      ['Europe/Madrid', 'Europe/Madrid'],
    ],
    bad: ['', ' '],
    wanted: 'a name without spaces',
  },
  report: {
    variable: 'RETO3_REPORT',
    fallback: undefined,
    good: [
      ['lag', ['lag']],
      ['lag,./my report.mjs', ['lag', './my report.mjs']],
    ],
    bad: ['', 'lag,', ',top', ' '],
    wanted: 'names of reports or paths of modules',
  },
  archive: {
    variable: 'RETO3_ARCHIVE',
    fallback: false,
    good: [
      ['true', true],
      ['0', false],
    ],
    bad: ['maybe', ''],
    wanted: 'true or false',
  },
  archiveMaxBytes: {
    variable: 'RETO3_ARCHIVE_MAX_BYTES',
    fallback: 10e9,
    good: [
      ['200MB', 200e6],
      ['1000GB', 1e12],
    ],
    bad: ['199MB', '10', '1TB', ''],
    wanted: '200MB to 1000000GB: a whole number and B, KB, MB or GB',
  },
  archiveMaxAge: {
    variable: 'RETO3_ARCHIVE_MAX_AGE',
    fallback: Number.POSITIVE_INFINITY,
    good: [
      ['1h', 3_600_000],
      ['90d', 90 * dayMs],
    ],
    bad: ['59m', '1', 'none', ''],
    wanted: 'at least 1h: a number and s, m, h, d or y, or forever',
  },
  alert: {
    variable: 'RETO3_ALERT',
    fallback: undefined,
    good: [
      ['ms10 > 500', [ruleOf('ms10 > 500')]],
      [
        'sec < 1 for 10s,min >= 9 until < 5',
        [ruleOf('sec < 1 for 10s'), ruleOf('min >= 9 until < 5')],
      ],
    ],
    bad: ['', 'ms10', 'ms10 > 500,', 'ms10 > 500, sec'],
    wanted: 'something like "ms10 > 500 for 50ms" or "sec < 1 for 10s until > 100"',
    beside: { 'alert-url': 'http://127.0.0.1:9' },
  },
  alertUrl: {
    variable: 'RETO3_ALERT_URL',
    fallback: undefined,
    good: [
      ['http://127.0.0.1:9/', 'http://127.0.0.1:9/'],
      ['https://example.org/hook?a=b', 'https://example.org/hook?a=b'],
    ],
    bad: ['', 'example.org', 'ftp://example.org', 'http://user:password@example.org'],
    wanted: 'an http or https URL without user and password',
    beside: { alert: 'ms10 > 5' },
  },
  otlpUrl: {
    variable: 'RETO3_OTLP_URL',
    fallback: undefined,
    good: [
      ['http://127.0.0.1:4318/v1/metrics', 'http://127.0.0.1:4318/v1/metrics'],
      ['https://example.org/', 'https://example.org/'],
    ],
    bad: ['', 'example.org', 'grpc://example.org', 'http://user:password@example.org'],
    wanted: 'an http or https URL without user and password',
  },
  otlpSeconds: {
    variable: 'RETO3_OTLP_SECONDS',
    fallback: 15,
    good: [
      ['1', 1],
      ['3600', 3_600],
    ],
    bad: ['0', '3601', '1.5', '15s', ''],
    wanted: 'a whole number from 1 to 3600',
  },
  alertUrlFile: {
    variable: 'RETO3_ALERT_URL_FILE',
    fallback: undefined,
    ...path,
    beside: { alert: 'ms10 > 5' },
  },
  alertTokenFile: {
    variable: 'RETO3_ALERT_TOKEN_FILE',
    fallback: undefined,
    ...path,
    beside: { alert: 'ms10 > 5', 'alert-url': 'http://127.0.0.1:9' },
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

it.each(['~', '~/counts'])('refuses the path %s, which no shell has expanded', (text) => {
  expect(() => resolveConfig({ 'data-dir': text }, {})).toThrow(
    `got --data-dir "${text}", want a path with the home folder written out`,
  );
  expect(resolveConfig({ 'data-dir': `.${text}` }, {}).dataDir).toBe(`.${text}`);
  expect(() => resolveConfig({ tail: `access.log,${text}` }, {})).toThrow(
    'want a path with the home folder written out',
  );
});

it('has a case for every setting', () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(settings).sort());
});

describe.each(Object.entries(cases) as [Name, Case][])('the setting %s', (name, wanted) => {
  const { flag, fallbackText } = settings[name];
  const { beside = {} } = wanted;
  const [[text, value], [otherText]] = wanted.good as [Case['good'][0], Case['good'][0]];

  it('has its default without flag and variable', () => {
    expect(resolveConfig({}, {})[name]).toStrictEqual(wanted.fallback);
  });

  it('ignores an empty variable', () => {
    expect(resolveConfig({}, { [wanted.variable]: '' })[name]).toStrictEqual(wanted.fallback);
  });

  // Messages do not quote secrets.
  const shown = (bad: string): string => (settings[name].secret ? '' : ` "${bad}"`);

  it('is read from the environment', () => {
    expect(environmentVariableOf(settings[name])).toBe(wanted.variable);
    expect(resolveConfig(beside, { [wanted.variable]: text })[name]).toEqual(value);
  });

  it('is read from the flag, which beats the variable', () => {
    const flags = { ...beside, [flag]: text };
    expect(resolveConfig(flags, { [wanted.variable]: otherText })[name]).toEqual(value);
  });

  it.each(wanted.good)('understands "%s"', (good, understood) => {
    expect(resolveConfig({ ...beside, [flag]: good }, {})[name]).toEqual(understood);
  });

  it.each(wanted.bad)(
    'refuses the flag with "%s", naming flag, value and what is wanted',
    (bad) => {
      expect(() => resolveConfig({ [flag]: bad }, {})).toThrow(
        new Reto3Error('RETO3_BAD_SETTING', `got --${flag}${shown(bad)}, want ${wanted.wanted}`),
      );
    },
  );

  it.each(wanted.bad.filter((bad) => bad !== ''))('refuses the variable with "%s"', (bad) => {
    expect(() => resolveConfig({}, { [wanted.variable]: bad })).toThrow(
      new Reto3Error(
        'RETO3_BAD_SETTING',
        `got ${wanted.variable}${shown(bad)}, want ${wanted.wanted}`,
      ),
    );
  });

  it('ignores a bad variable if there is a flag', () => {
    const [bad = ''] = wanted.bad;
    const flags = { ...beside, [flag]: text };
    expect(resolveConfig(flags, { [wanted.variable]: bad })[name]).toEqual(value);
  });

  it('has its true default in the help', () => {
    const { fallback } = settings[name];
    // These settings are written with a unit.
    if (/^retain|After$|Age$|^maxBody$|Bytes$/.test(name))
      expect(resolveConfig({ [flag]: fallback }, {})[name]).toBe(wanted.fallback);
    else if (fallbackText === undefined && fallback !== undefined)
      expect(String(wanted.fallback)).toBe(settings[name].fallback);
  });
});
