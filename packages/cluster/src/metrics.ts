/** The metrics of a server's part in the cluster; see docs/metrics.md. */
import { counter, gauge, type Metric } from '@reto3/core';
import type { ClusterState } from './cluster-state.ts';
import type { NodeState } from './node-list.ts';

const msPerSecond = 1_000;

export function clusterMetrics(
  { server, problem, publisher, merger }: ClusterState,
  nodes: readonly NodeState[],
): readonly Metric[] {
  const inState = (wanted: string): number => nodes.filter(({ state }) => state === wanted).length;
  return [
    gauge(
      'reto3_cluster_connected',
      '1 while the server is connected to NATS and able to do its part in the cluster.',
      server !== undefined && problem === undefined ? 1 : 0,
    ),
    ...(publisher === undefined
      ? []
      : [
          counter(
            'reto3_cluster_published_messages_total',
            'Messages acknowledged by the stream since the start.',
            publisher.messages,
          ),
          counter(
            'reto3_cluster_published_bytes_total',
            'Bytes of those messages.',
            publisher.bytes,
          ),
          counter(
            'reto3_cluster_publish_failures_total',
            'Unacknowledged attempts to publish since the start.',
            publisher.failures,
          ),
          gauge(
            'reto3_cluster_pending_seconds',
            'Seconds of counts not yet published.',
            publisher.secondsPending,
          ),
        ]),
    ...(merger === undefined
      ? []
      : [
          counter(
            'reto3_cluster_merged_messages_total',
            'Messages read from the stream since the start.',
            merger.messages,
          ),
          counter(
            'reto3_cluster_bad_messages_total',
            'Messages of the stream skipped because no node can have sent them.',
            merger.badMessages,
          ),
          gauge(
            'reto3_cluster_final_through_timestamp_seconds',
            "End of the cluster's newest final window, Unix time.",
            merger.finalThrough / msPerSecond,
          ),
          gauge(
            'reto3_cluster_nodes',
            'Nodes by state: live (windows wait for them), silent (nothing heard), left (stopped).',
            ['live', 'silent', 'left'].map((name) => ({
              labels: { state: name },
              value: inState(name),
            })),
          ),
        ]),
  ];
}
