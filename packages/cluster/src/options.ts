/** The settings of a server's part in the cluster, and the parts of the server that it needs. */
import type { Clock, Log } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import type { Report, ReportLedgers } from '@reto3/reports';
import type { Group } from './groups.ts';

/** ingest: takes requests and publishes. merge: adds up the nodes. */
export type Role = 'both' | 'ingest' | 'merge';

export type NatsStorage = 'file' | 'memory';

export interface ClusterOptions {
  /** The name under which this server publishes. */
  readonly node: string;
  /** The default name: the host's. */
  readonly usualNode: string;
  readonly role: Role;
  /** URLs of the NATS servers; undefined: no cluster. */
  readonly nats: readonly string[] | undefined;
  /** Windows stop waiting for a node after so many ms without a message. */
  readonly silentAfter: number;
  readonly natsStream: string;
  readonly natsSubject: string;
  /** The groups that a merger adds up; undefined: the stream has the nodes' own messages. */
  readonly natsGroup: readonly [Group, ...Group[]] | undefined;
  /** undefined: 3 with three or more NATS servers, else 1. */
  readonly natsReplicas: number | undefined;
  readonly natsStorage: NatsStorage;
  /** How long the stream keeps a message, in ms; Infinity: forever. */
  readonly natsMaxAge: number;
  readonly natsCreds: string | undefined;
  readonly natsUser: string | undefined;
  readonly natsPasswordFile: string | undefined;
  readonly natsTokenFile: string | undefined;
  readonly natsCa: string | undefined;
  readonly natsCert: string | undefined;
  readonly natsKey: string | undefined;
  /** How long a merger keeps blocks of each period, in ms; Infinity: forever. */
  readonly retainMs10: number;
  readonly retainSec: number;
  readonly retainMin: number;
}

export interface ClusterParts {
  readonly settings: ClusterOptions;
  readonly coordinator: Coordinator;
  /** The reports that this server runs as a node. */
  readonly ledgers: ReportLedgers;
  /** The loaded reports, which can merge those of the nodes. */
  readonly reports: readonly Report[];
  /** Absolute path. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}
