/** The context that the steps of a start share; main.ts has their order. */
import type { Archive } from '@reto3/archive';
import type { Log, Metrics } from '@reto3/core';
import type { FileWatch } from '../config/file-watch.ts';
import type { Config } from '../config/settings.ts';
import type { SilentConnections } from '../ingest/silent-connections.ts';
import type { IngestWorkers } from '../ingest/workers.ts';
import type { Shutdown } from '../shutdown.ts';

export interface Start {
  readonly config: Config;
  /** Whether it counts requests; false for a server that only merges. */
  readonly ingests: boolean;
  /** Absolute path. */
  readonly dataDir: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly shutdown: Shutdown;
  /** The watches over renewed files; stopped first. */
  readonly renewals: FileWatch[];
  /** Parts that start later than the parts which call them. */
  readonly late: { archive?: Archive; workers?: IngestWorkers; silent?: SilentConnections };
}
