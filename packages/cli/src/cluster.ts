/** Formats what a server knows of its cluster, and repairs it. */

import { type ApiOptions, request, textOf } from '@reto3/client';
import type { ClusterState } from '@reto3/client/answers';
import { Reto3Error, timeText } from '@reto3/core';
import { tableLines } from './terminal/table.ts';

/** Makes every node publish everything again. @throws Reto3Error RETO3_NATS_AWAY */
export async function askRepublish(api: ApiOptions): Promise<void> {
  await textOf(await request(api, '/v1/cluster/republish', {}, {}, 'POST'), api);
}

const header = ['node', 'state', 'msgs/s', 'share', 'lag', 'clock', 'boot', 'revision'];

/** A table of the nodes. @throws Reto3Error RETO3_NO_CLUSTER if the server merges none */
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
