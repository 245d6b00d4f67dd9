/** Formats the state of a cluster as its merger sees it, and repairs it. */

import { type ApiOptions, request, textOf } from '@reto3/client';
import type { ClusterAudit, ClusterState } from '@reto3/client/answers';
import { Reto3Error, timeText } from '@reto3/core';
import { tableLines } from './terminal/table.ts';

/**
 * Makes the merger compare everything with the nodes, and read all that differs. @throws Reto3Error
 * RETO3_NATS_AWAY
 */
export async function askRepublish(api: ApiOptions): Promise<void> {
  await textOf(await request(api, '/v1/cluster/republish', {}, {}, 'POST'), api);
}

/** Removes a node from the merger's list. @throws Reto3Error RETO3_NO_SUCH_NODE */
export async function askForget(api: ApiOptions, node: string): Promise<void> {
  await textOf(await request(api, '/v1/cluster/forget', { node }, {}, 'POST'), api);
}

const header = ['node', 'state', 'msgs/s', 'share', 'lag', 'clock', 'boot', 'revision'];

/**
 * A table of the nodes. @throws Reto3Error RETO3_NO_CLUSTER if the server does not merge a cluster
 */
export function clusterLines({ role, nodes, problem, server }: ClusterState): string[] {
  if (nodes === undefined) {
    throw new Reto3Error(
      'RETO3_NO_CLUSTER',
      `this server does not merge the cluster: its role is ${role}`,
    );
  }
  const rows = nodes.map((node) => [
    node.name,
    node.state,
    node.rate.toFixed(1),
    `${(node.share * 100).toFixed(1)} %`,
    `${node.lagMs} ms`,
    `${node.clockOffsetMs >= 0 ? '+' : ''}${node.clockOffsetMs} ms`,
    timeText(node.boot),
    String(node.revision),
  ]);
  const away = server === undefined ? ['NATS is unreachable: this is the last known state'] : [];
  const lines = tableLines([header, ...rows], (column) => column >= 2);
  return [...lines, ...away, ...(problem === undefined ? [] : [problem])];
}

/** A table of hours, and a comment on those that differ. */
export function clusterAuditLines({ hours }: ClusterAudit): string[] {
  const rows = hours.map(({ node, hour, node_total: total, merger_total: merged, equal }) => [
    node,
    timeText(hour),
    total === undefined ? 'no answer' : String(total),
    String(merged),
    equal ? 'equal' : total === undefined ? 'unknown' : 'differs',
  ]);
  return tableLines(
    [['node', 'hour', 'node has', 'merger has', ''], ...rows],
    (at) => at === 2 || at === 3,
  );
}

/** The error that a failed audit of a cluster ends the command with; undefined if all is equal. */
export function clusterVerdictOf({ hours }: ClusterAudit): Reto3Error | undefined {
  if (hours.length === 0)
    return new Reto3Error('RETO3_NO_DATA', 'no node has anything in the range');
  const wrong = hours.filter(({ equal }) => !equal);
  if (wrong.length === 0) return undefined;
  const silent = new Set(wrong.flatMap((one) => (one.node_total === undefined ? [one.node] : [])));
  const differing = wrong.filter((one) => one.node_total !== undefined).length;
  const message =
    differing > 0
      ? `${differing} of ${hours.length} hours differ between the merger and its nodes, in counts or in rows of reports`
      : `${silent.size} of the nodes did not answer, so their hours are not proved`;
  return new Reto3Error('RETO3_CHECK_FAILED', message);
}
