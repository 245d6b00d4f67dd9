/** The nodes of the cluster that the server adds up: who they are, what each brings, how old it is. */
import type { Client, Cluster, ClusterNode, Scope } from './client.ts';
import { element, rowOf, write } from './elements.ts';
import { lengthText, percentText, shortText, wholeText } from './text.ts';

const states: Readonly<Record<ClusterNode['state'], string>> = {
  live: 'live',
  silent: 'silent, not waited for',
  left: 'stopped',
};

/** Writes the table, and the tile that says how many there are. */
export async function showNodes(client: Client, scope: Scope): Promise<void> {
  const cluster = await client.cluster();
  const nodes = (cluster.nodes ?? []).toSorted((a, b) => a.name.localeCompare(b.name));
  element('nodes', HTMLElement).hidden = false;
  write('nodes-shown', sentence(cluster, nodes));
  element('nodes-rows', HTMLTableSectionElement).replaceChildren(...nodes.map(nodeRow));
  if (scope !== 'cluster') return;
  const others = nodes.filter(({ state }) => state !== 'live');
  write('all-name', 'Nodes live');
  write('all', wholeText(nodes.length - others.length));
  write('all-note', others.length === 0 ? 'all of them' : `not ${namesOf(others)}`);
}

function sentence({ problem }: Cluster, nodes: readonly ClusterNode[]): string {
  const rate = nodes.reduce((sum, node) => sum + node.rate, 0);
  const whole = `${wholeText(Math.round(rate))} messages/s over ten seconds, of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`;
  return problem === undefined ? whole : `${whole} · ${problem}`;
}

function nodeRow({
  name,
  state,
  rate,
  share,
  lagMs,
  clockOffsetMs,
}: ClusterNode): HTMLTableRowElement {
  const row = rowOf([
    name,
    states[state],
    shortText(rate),
    percentText(share),
    lengthText(lagMs),
    `${clockOffsetMs < 0 ? '−' : '+'}${lengthText(Math.abs(clockOffsetMs))}`,
  ]);
  row.dataset['state'] = state;
  return row;
}

function namesOf(nodes: readonly ClusterNode[]): string {
  return nodes.map(({ name }) => name).join(', ');
}
