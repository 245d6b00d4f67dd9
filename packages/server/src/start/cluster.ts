/** Joins the cluster, if `--nats` is set. */
import type { Cluster } from '@reto3/cluster';
import { systemClock } from '@reto3/core';
import type { LoadedReport } from '@reto3/reports/load';
import { clusterSettings } from '../config/settings/cluster.ts';
import type { Counts } from './counts.ts';
import type { Start } from './start.ts';

/** Loads the package on demand, so that a single server needs no memory for NATS. */
export async function joinCluster(
  { config, dataDir, log, metrics, shutdown }: Start,
  { coordinator, ledgers }: Counts,
  loaded: readonly LoadedReport[],
): Promise<Cluster | undefined> {
  if (config.nats === undefined) return undefined;
  const { Cluster } = await import('@reto3/cluster');
  const reports = loaded.map(({ report }) => report);
  const parts = { coordinator, ledgers, reports, dataDir, log, clock: systemClock };
  const settings = { ...config, usualNode: clusterSettings.node.fallback };
  const cluster = await Cluster.open({ settings, ...parts });
  shutdown.add('cluster', () => cluster.stop());
  metrics.add(cluster.metrics);
  return cluster;
}
