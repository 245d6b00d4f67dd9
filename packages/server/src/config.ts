/** What a server runs with, once every setting is read (settings.ts). */
import type { Rule } from './alert/rule.ts';

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
  /** PEM files; both or neither. */
  readonly adminTlsCert: string | undefined;
  readonly adminTlsKey: string | undefined;
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
