/** What a server runs with, once every setting is read (settings.ts). */

import type { ClusterOptions, NatsStorage, Role } from '@reto3/cluster';
import type { Ack } from '@reto3/core';
import type { Rule } from '../alert/rule.ts';

export interface Config extends ClusterOptions {
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

export const roles = ['both', 'ingest', 'merge'] as const satisfies readonly Role[];
export const natsStorages = ['file', 'memory'] as const satisfies readonly NatsStorage[];

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
