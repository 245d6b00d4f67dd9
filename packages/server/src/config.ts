/**
 * Every setting of the server: flag, environment variable, default, range, meaning. The command
 * line makes its flags from this table, and docs/operations.md explains each as a trade.
 *
 * Flags beat environment beats default.
 */

import { isIP } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import type { Rule } from './alert/rule.ts';
import { Reto3Error } from './errors.ts';
import {
  address,
  alertRules,
  dnsNames,
  keepingTime,
  natsServers,
  nonEmpty,
  oneOf,
  type Parse,
  plainName,
  replicas,
  reportNames,
  size,
  subjectPrefix,
  switchValue,
  Wanted,
  webhook,
  wholeNumber,
  word,
} from './setting-values.ts';

export interface Config {
  readonly port: number;
  readonly host: string;
  /** PEM files; both or neither. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly adminPort: number;
  readonly adminHost: string;
  readonly adminTokenFile: string | undefined;
  readonly adminOpen: boolean;
  /** Names by which the query API may be asked, besides its addresses and this machine's name. */
  readonly adminNames: readonly string[];
  readonly dataDir: string;
  readonly workers: number;
  readonly ack: Ack;
  /** The largest body that is taken, in bytes. */
  readonly maxBody: number;
  readonly flushMs: number;
  /** How long blocks of each period are kept, in milliseconds; Infinity: for ever. */
  readonly retainMs10: number;
  readonly retainSec: number;
  readonly retainMin: number;
  readonly node: string;
  /** Addresses of the NATS servers of the cluster; undefined: a server on its own. */
  readonly nats: readonly string[] | undefined;
  readonly role: Role;
  /** After so many ms without a word from a node, the cluster no longer waits for it. */
  readonly silentAfter: number;
  readonly natsStream: string;
  readonly natsSubject: string;
  /** undefined: 3 where three servers or more are named, else 1. */
  readonly natsReplicas: number | undefined;
  readonly natsStorage: NatsStorage;
  /** How long the stream keeps a message, in milliseconds; Infinity: for ever. */
  readonly natsMaxAge: number;
  readonly natsCreds: string | undefined;
  readonly natsUser: string | undefined;
  readonly natsPasswordFile: string | undefined;
  readonly natsTokenFile: string | undefined;
  readonly natsCa: string | undefined;
  readonly natsCert: string | undefined;
  readonly natsKey: string | undefined;
  /** Built-in names and paths of modules; undefined where no report runs. */
  readonly report: readonly string[] | undefined;
  /** Whether every message is kept. */
  readonly archive: boolean;
  readonly archiveMaxBytes: number;
  /** How long messages are kept, in milliseconds; Infinity: for ever. */
  readonly archiveMaxAge: number;
  /** Undefined where nothing is watched for. */
  readonly alert: readonly Rule[] | undefined;
  readonly alertUrl: string | undefined;
  readonly alertUrlFile: string | undefined;
  readonly alertTokenFile: string | undefined;
  readonly logLevel: LogLevel;
}

export const ackModes = ['memory', 'durable'] as const;
/** When a message is answered: as soon as it is counted, or when the count is on the disk. */
export type Ack = (typeof ackModes)[number];

export const roles = ['both', 'ingest', 'merge'] as const;
/** What a node of a cluster does: take requests and publish, add up what all publish, or both. */
export type Role = (typeof roles)[number];

export const natsStorages = ['file', 'memory'] as const;
export type NatsStorage = (typeof natsStorages)[number];

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

interface Setting<T> {
  /** Without its dashes. The environment variable is RETO3_ and the flag in capitals. */
  readonly flag: string;
  readonly summary: string;
  /** How the value is called in the help; absent for a switch. */
  readonly value?: string;
  /** Whether the value may be a secret, not to be repeated in an error. */
  readonly secret?: boolean;
  /** Whether the flag may be given several times: the values with commas between them. */
  readonly repeatable?: boolean;
  /** As it would be written; undefined where the setting may be absent. */
  readonly fallback: string | undefined;
  /** The default in words, where it is not a fixed text. */
  readonly fallbackText?: string;
  readonly parse: Parse<T>;
}

type Settings = { readonly [name in keyof Config]: Setting<Config[name]> };

export const settings: Settings = {
  port: {
    flag: 'port',
    summary: 'port that takes the requests; 0 lets the system choose',
    value: 'PORT',
    fallback: '8080',
    parse: wholeNumber(0, 65_535),
  },
  host: {
    flag: 'host',
    summary: 'address that takes the requests',
    value: 'ADDRESS',
    fallback: '0.0.0.0',
    parse: address,
  },
  tlsCert: {
    flag: 'tls-cert',
    summary: 'file with the certificate chain (PEM): the port then speaks TLS; needs --tls-key',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  tlsKey: {
    flag: 'tls-key',
    summary: "file with the certificate's unencrypted private key (PEM)",
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  adminPort: {
    flag: 'admin-port',
    summary: 'port of the query API; 0 lets the system choose',
    value: 'PORT',
    fallback: '8081',
    parse: wholeNumber(0, 65_535),
  },
  adminHost: {
    flag: 'admin-host',
    summary:
      'address of the query API; one that is not loopback needs --admin-token-file or --admin-open',
    value: 'ADDRESS',
    fallback: '127.0.0.1',
    parse: address,
  },
  adminTokenFile: {
    flag: 'admin-token-file',
    summary: 'file with the bearer token that the query API then asks for',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  adminOpen: {
    flag: 'admin-open',
    summary: 'let everybody who reaches the query API read it',
    fallback: 'false',
    parse: switchValue,
  },
  adminNames: {
    flag: 'admin-name',
    summary: 'names by which others may ask the query API, with commas between them',
    value: 'NAMES',
    fallback: '',
    fallbackText: 'its addresses, localhost and the host name',
    parse: dnsNames,
  },
  dataDir: {
    flag: 'data-dir',
    summary: 'folder of the counts',
    value: 'FOLDER',
    fallback: './data',
    parse: nonEmpty,
  },
  workers: {
    flag: 'workers',
    summary: 'threads that take requests',
    value: 'N',
    fallback: String(Math.max(1, availableParallelism() - 1)),
    fallbackText: 'available cores - 1, at least 1',
    parse: wholeNumber(1, 256),
  },
  ack: {
    flag: 'ack',
    summary:
      'when to answer: memory (counted; kill -9 may lose one flush) or durable (on the disk)',
    value: 'MODE',
    fallback: 'memory',
    parse: oneOf(ackModes),
  },
  maxBody: {
    flag: 'max-body',
    summary: 'largest body that is taken: a number and B, KB, MB or GB; larger ones are cut off',
    value: 'SIZE',
    fallback: '1MB',
    parse: size('0B', '1GB'),
  },
  flushMs: {
    flag: 'flush-ms',
    summary: 'milliseconds between writes of the journal: what kill -9 may lose',
    value: 'MS',
    fallback: '100',
    // Above 10 s the ring would be swept too seldom for comfort: it reaches back 71 s.
    parse: wholeNumber(10, 10_000),
  },
  retainMs10: {
    flag: 'retain-ms10',
    summary: 'how long the 10 ms windows are kept: a number and s, m, h, d or y, or forever',
    value: 'TIME',
    fallback: '30d',
    // A minute is closed into blocks that must still be there when they are read back: blocks of a
    // minute here, of an hour and a day below.
    parse: keepingTime('1h'),
  },
  retainSec: {
    flag: 'retain-sec',
    summary: 'how long the seconds are kept; at least as long as the 10 ms windows',
    value: 'TIME',
    fallback: '1y',
    parse: keepingTime('1d'),
  },
  retainMin: {
    flag: 'retain-min',
    summary: 'how long the minutes are kept; at least as long as the seconds',
    value: 'TIME',
    fallback: 'forever',
    parse: keepingTime('1d'),
  },
  node: {
    flag: 'node',
    summary: 'name of this server; in a cluster no two have the same',
    value: 'NAME',
    fallback: hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-') || 'node',
    fallbackText: 'the host name',
    parse: plainName,
  },
  nats: {
    flag: 'nats',
    summary: 'NATS servers of the cluster, with commas between them; without it there is none',
    value: 'URLS',
    fallback: undefined,
    parse: natsServers,
  },
  role: {
    flag: 'role',
    summary: 'what this server does in the cluster: ingest, merge or both',
    value: 'ROLE',
    fallback: 'both',
    parse: oneOf(roles),
  },
  silentAfter: {
    flag: 'silent-after',
    summary: 'how long the cluster waits for a node that says nothing: a number and s, m, h or d',
    value: 'TIME',
    fallback: '10s',
    // A node speaks several times a second; a shorter pause is a hiccup of the network.
    parse: keepingTime('2s'),
  },
  natsStream: {
    flag: 'nats-stream',
    summary: 'name of the stream; one for each cluster',
    value: 'NAME',
    fallback: 'RETO3_WINDOWS',
    parse: plainName,
  },
  natsSubject: {
    flag: 'nats-subject',
    summary: 'what the subjects of the stream begin with; the name of the node follows',
    value: 'SUBJECT',
    fallback: 'reto3.windows',
    parse: subjectPrefix,
  },
  natsReplicas: {
    flag: 'nats-replicas',
    summary: 'on how many NATS servers the stream lies: 1, 3 or 5',
    value: 'N',
    fallback: undefined,
    fallbackText: '3 where --nats names three servers, else 1',
    parse: replicas,
  },
  natsStorage: {
    flag: 'nats-storage',
    summary: 'where NATS keeps the stream: file or memory',
    value: 'STORAGE',
    fallback: 'file',
    parse: oneOf(natsStorages),
  },
  natsMaxAge: {
    flag: 'nats-max-age',
    summary: 'how long the stream keeps a message: a number and s, m, h, d or y, or forever',
    value: 'TIME',
    fallback: '1d',
    // What a merger that restarts has to find there.
    parse: keepingTime('10m'),
  },
  natsCreds: {
    flag: 'nats-creds',
    summary: 'NATS credentials file (JWT and seed)',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  natsUser: {
    flag: 'nats-user',
    summary: 'user at NATS; its password comes with --nats-password-file',
    value: 'NAME',
    fallback: undefined,
    parse: word,
  },
  natsPasswordFile: {
    flag: 'nats-password-file',
    summary: 'file with the password of --nats-user',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  natsTokenFile: {
    flag: 'nats-token-file',
    summary: 'file with the token that NATS asks for',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  natsCa: {
    flag: 'nats-ca',
    summary: 'certificates of the authority that NATS servers are checked against; asks for TLS',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  natsCert: {
    flag: 'nats-cert',
    summary: 'certificate of this client, for NATS servers that ask for one; with --nats-key',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  natsKey: {
    flag: 'nats-key',
    summary: 'private key of --nats-cert',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  report: {
    flag: 'report',
    summary:
      'report to run beside counting: lag, generated, top, sizes, or the path of a module; repeatable',
    value: 'REPORT',
    repeatable: true,
    fallback: undefined,
    parse: reportNames,
  },
  archive: {
    flag: 'archive',
    summary: 'keep every message: time, method, path, query and body, as Parquet files',
    fallback: 'false',
    parse: switchValue,
  },
  archiveMaxBytes: {
    flag: 'archive-max-bytes',
    summary: 'how large the archive may become before its oldest files go: a number and MB or GB',
    value: 'SIZE',
    fallback: '10GB',
    // Less than a few segments leaves nothing to read.
    parse: size('200MB', '1000000GB'),
  },
  archiveMaxAge: {
    flag: 'archive-max-age',
    summary: 'how long messages are kept: a number and h, d or y, or forever',
    value: 'TIME',
    fallback: 'forever',
    // Files are of an hour.
    parse: keepingTime('1h'),
  },
  alert: {
    flag: 'alert',
    summary:
      'tell a webhook when this begins and ends, such as "ms10 > 500 for 50ms until < 400 for 1s"; repeatable',
    value: 'RULE',
    repeatable: true,
    fallback: undefined,
    parse: alertRules,
  },
  alertUrl: {
    flag: 'alert-url',
    summary: 'webhook that the alerts are sent to',
    value: 'URL',
    secret: true,
    fallback: undefined,
    parse: webhook,
  },
  alertUrlFile: {
    flag: 'alert-url-file',
    summary: 'file with the URL of the webhook, where the URL itself is a secret',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  alertTokenFile: {
    flag: 'alert-token-file',
    summary: 'file with the bearer token that the webhook asks for',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  logLevel: {
    flag: 'log-level',
    summary: `least level that is logged: ${logLevels.join(', ')}`,
    value: 'LEVEL',
    fallback: 'info',
    parse: oneOf(logLevels),
  },
};

export function environmentVariableOf(setting: { readonly flag: string }): string {
  return `RETO3_${setting.flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Puts the configuration together.
 * @param flags by flag name without dashes, as written on the command line
 * @throws Reto3Error RETO3_BAD_SETTING that names the flag or variable, what was got and what is
 * wanted
 */
export function resolveConfig(
  flags: Readonly<Record<string, string | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  /** Where the value of a setting comes from, as its user knows it, and its text. */
  function find(setting: Pick<Setting<unknown>, 'flag' | 'fallback' | 'secret'>) {
    const variable = environmentVariableOf(setting);
    const fromFlag = flags[setting.flag];
    // An empty variable is how compose files say "not set".
    const fromEnvironment = environment[variable] === '' ? undefined : environment[variable];
    if (fromFlag === undefined && fromEnvironment !== undefined)
      return found(variable, fromEnvironment);
    return found(`--${setting.flag}`, fromFlag ?? setting.fallback);

    function found(origin: string, text: string | undefined) {
      return { origin, text, got: setting.secret ? origin : `${origin} "${text}"` };
    }
  }
  function read<T>(setting: Setting<T>): T;
  function read<T>(setting: Setting<T | undefined>): T | undefined {
    const { text, got } = find(setting);
    if (text === undefined) return undefined;
    try {
      return setting.parse(text);
    } catch (error) {
      if (!(error instanceof Wanted)) throw error;
      throw new Reto3Error('RETO3_BAD_SETTING', `got ${got}, want ${error.message}`);
    }
  }
  const config: Config = {
    port: read(settings.port),
    host: read(settings.host),
    tlsCert: read(settings.tlsCert),
    tlsKey: read(settings.tlsKey),
    adminPort: read(settings.adminPort),
    adminHost: read(settings.adminHost),
    adminTokenFile: read(settings.adminTokenFile),
    adminOpen: read(settings.adminOpen),
    adminNames: read(settings.adminNames),
    dataDir: read(settings.dataDir),
    workers: read(settings.workers),
    ack: read(settings.ack),
    maxBody: read(settings.maxBody),
    flushMs: read(settings.flushMs),
    retainMs10: read(settings.retainMs10),
    retainSec: read(settings.retainSec),
    retainMin: read(settings.retainMin),
    node: read(settings.node),
    nats: read(settings.nats),
    role: read(settings.role),
    silentAfter: read(settings.silentAfter),
    natsStream: read(settings.natsStream),
    natsSubject: read(settings.natsSubject),
    natsReplicas: read(settings.natsReplicas),
    natsStorage: read(settings.natsStorage),
    natsMaxAge: read(settings.natsMaxAge),
    natsCreds: read(settings.natsCreds),
    natsUser: read(settings.natsUser),
    natsPasswordFile: read(settings.natsPasswordFile),
    natsTokenFile: read(settings.natsTokenFile),
    natsCa: read(settings.natsCa),
    natsCert: read(settings.natsCert),
    natsKey: read(settings.natsKey),
    report: read(settings.report),
    archive: read(settings.archive),
    archiveMaxBytes: read(settings.archiveMaxBytes),
    archiveMaxAge: read(settings.archiveMaxAge),
    alert: read(settings.alert),
    alertUrl: read(settings.alertUrl),
    alertUrlFile: read(settings.alertUrlFile),
    alertTokenFile: read(settings.alertTokenFile),
    logLevel: read(settings.logLevel),
  };
  assertAdminClosed(config, find(settings.adminHost).origin);
  assertBeside('tlsCert', 'tlsKey');
  assertBeside('tlsKey', 'tlsCert');
  assertLongerKept('retainMs10', 'retainSec');
  assertLongerKept('retainSec', 'retainMin');
  if (config.role !== 'both') assertBeside('role', 'nats');
  assertBeside('natsUser', 'natsPasswordFile');
  assertBeside('natsPasswordFile', 'natsUser');
  assertBeside('natsCert', 'natsKey');
  assertBeside('natsKey', 'natsCert');
  if (config.alertUrlFile === undefined) assertBeside('alert', 'alertUrl');
  for (const name of ['alertUrl', 'alertUrlFile', 'alertTokenFile'] as const)
    assertBeside(name, 'alert');
  assertNotBoth('alertUrl', 'alertUrlFile');
  if (config.alert !== undefined && config.role === 'merge') {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      'got --alert with --role "merge", which counts no messages of its own, want --role ingest or both',
    );
  }
  return config;

  function assertNotBoth(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] === undefined) return;
    const [one, two] = [find(settings[name]).origin, find(settings[other]).origin];
    throw new Reto3Error('RETO3_BAD_SETTING', `got ${one} and ${two}, want one of them`);
  }

  /** Some settings mean nothing without another. */
  function assertBeside(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] !== undefined) return;
    const { got } = find(settings[name]);
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got} alone, want --${settings[other].flag} with it`,
    );
  }

  /** The minutes and seconds hold the shorter windows to account, so they must not go first. */
  function assertLongerKept(shorter: RetainName, longer: RetainName): void {
    if (config[shorter] <= config[longer]) return;
    const [got, least] = [find(settings[longer]), find(settings[shorter])];
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got.origin} "${got.text}", want at least ${least.origin}, which is "${least.text}"`,
    );
  }
}

type RetainName = 'retainMs10' | 'retainSec' | 'retainMin';

function assertAdminClosed(config: Config, origin: string): void {
  if (isLoopback(config.adminHost) || config.adminOpen || config.adminTokenFile !== undefined)
    return;
  throw new Reto3Error(
    'RETO3_BAD_SETTING',
    `got ${origin} "${config.adminHost}", which others may reach, want --admin-token-file or --admin-open with it`,
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
