/** What a server's part in the cluster is told: where NATS is, what to do there, and with what. */
import type { Clock, Log } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import type { Report, ReportLedgers } from '@reto3/reports';
import type { Group } from './groups.ts';

/** What a node of a cluster does: take requests and publish, add up what all publish, or both. */
export type Role = 'both' | 'ingest' | 'merge';

export type NatsStorage = 'file' | 'memory';

export interface ClusterOptions {
  /** The name under which this server publishes. */
  readonly node: string;
  /** The name that it has where nobody has chosen one: that of the host. */
  readonly usualNode: string;
  readonly role: Role;
  /** Addresses of the NATS servers; undefined: a server on its own. */
  readonly nats: readonly string[] | undefined;
  /** The merger stops waiting for a node after so many ms without a message. */
  readonly silentAfter: number;
  readonly natsStream: string;
  readonly natsSubject: string;
  /** The groups whose sum it is, by a server that only merges; undefined: it has one stream. */
  readonly natsGroup: readonly [Group, ...Group[]] | undefined;
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
  /** How long blocks of each period are kept, in milliseconds; Infinity: for ever. */
  readonly retainMs10: number;
  readonly retainSec: number;
  readonly retainMin: number;
}

export interface ClusterParts {
  readonly settings: ClusterOptions;
  readonly coordinator: Coordinator;
  /** The reports of this server as a node. */
  readonly ledgers: ReportLedgers;
  /** Those that are loaded, to merge what nodes publish. */
  readonly reports: readonly Report[];
  /** Absolute path. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}
