/**
 * Every setting of the server: flag, environment variable, default, range, meaning. The command
 * line makes its flags from this table, and docs/operations.md explains each as a trade.
 */
import { hostname } from 'node:os';
import { ackModes } from '@reto3/core';
import { availableCores } from './available-cores.ts';
import { type Config, logLevels, natsStorages, roles } from './config.ts';
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
  webhook,
  wholeNumber,
  word,
} from './setting-values.ts';

/** One setting, and how its text is read. */
export interface Setting<T> {
  /** Without its dashes. The environment variable is RETO3_ and the flag in capitals. */
  readonly flag: string;
  readonly summary: string;
  /** How the value is called in the help, or all that it can be; absent for a switch. */
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

/**
 * One thread answers some 100,000 requests/s and holds 11 MB, and every sweep reads a stripe of
 * counters for each. Whoever has more load than sixteen of them answer can say so.
 */
const mostWorkersByDefault = 16;

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
  adminTlsCert: {
    flag: 'admin-tls-cert',
    summary: 'certificate chain (PEM) of the query API, which then speaks TLS',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
  },
  adminTlsKey: {
    flag: 'admin-tls-key',
    summary: 'unencrypted private key (PEM) of --admin-tls-cert',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
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
    // Read when it is needed: no other command looks at files of the system for it.
    get fallback() {
      return String(Math.max(1, Math.min(mostWorkersByDefault, availableCores() - 1)));
    },
    fallbackText: 'available cores - 1, from 1 to 16',
    parse: wholeNumber(1, 256),
  },
  ack: {
    flag: 'ack',
    summary:
      'when to answer: memory (counted; kill -9 may lose one flush) or durable (on the disk)',
    value: ackModes.join('|'),
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
    value: roles.join('|'),
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
    value: natsStorages.join('|'),
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
    value: logLevels.join('|'),
    fallback: 'info',
    parse: oneOf(logLevels),
  },
};

export function environmentVariableOf(setting: { readonly flag: string }): string {
  return `RETO3_${setting.flag.toUpperCase().replaceAll('-', '_')}`;
}
