/** The table of the cluster's nodes, and their tile. */
import type { ClusterNode, ClusterState } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { element, rowOf, write, writeFigure } from './elements.ts';
import { lengthText, percentText, shortText, wholeText } from './format.ts';
import type { ScopeSelector } from './scope.ts';

const states: Readonly<Record<ClusterNode['state'], string>> = {
  live: 'live',
  silent: 'silent, skipped',
  left: 'stopped',
};

/** Fetches the nodes, and updates their table and tile. */
export async function showNodes(
  client: Client,
  choose: (node: string) => void,
): Promise<readonly ClusterNode[]> {
  const cluster = await client.cluster();
  const nodes = [...(cluster.nodes ?? [])].sort((a, b) =>
    a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
  element('nodes', HTMLElement).hidden = false;
  write('nodes-shown', sentence(cluster, nodes));
  showRows(nodes, choose);
  if (client.selector.scope === 'cluster') showTile(nodes, client.selector);
  return nodes;
}

function showTile(nodes: readonly ClusterNode[], { node }: ScopeSelector): void {
  if (node !== undefined) {
    const one = nodes.find(({ name }) => name === node);
    write('all-name', 'Share of cluster');
    writeFigure('all', one === undefined ? '–' : percentText(one.share));
    write('all-note', one === undefined ? 'unknown' : states[one.state]);
    return;
  }
  const others = nodes.filter(({ state }) => state !== 'live');
  write('all-name', 'Nodes live');
  writeFigure('all', wholeText(nodes.length - others.length));
  write('all-note', others.length === 0 ? 'all' : `not ${namesOf(others)}`);
}

/** Reuses the rows while the nodes are the same, which preserves the keyboard focus. */
function showRows(nodes: readonly ClusterNode[], choose: (node: string) => void): void {
  const body = element('nodes-rows', HTMLTableSectionElement);
  const shown = [...body.rows].map((row) => row.dataset['node']);
  if (shown.join() !== nodes.map(({ name }) => name).join())
    body.replaceChildren(...nodes.map(({ name }) => emptyRow(name, choose)));
  for (const [index, node] of nodes.entries()) {
    const row = body.rows[index];
    if (row === undefined) continue;
    row.dataset['state'] = node.state;
    for (const [column, text] of cellsOf(node).entries()) {
      const cell = row.cells[column + 1];
      if (cell !== undefined && cell.textContent !== text) cell.textContent = text;
    }
  }
}

function emptyRow(name: string, choose: (node: string) => void): HTMLTableRowElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'link';
  button.textContent = name;
  button.addEventListener('click', () => choose(name));
  const row = rowOf([button, '', '', '', '', '']);
  row.dataset['node'] = name;
  return row;
}

function cellsOf({ state, rate, share, lagMs, clockOffsetMs }: ClusterNode): string[] {
  return [
    states[state],
    shortText(rate),
    percentText(share),
    lengthText(lagMs),
    `${clockOffsetMs < 0 ? '−' : '+'}${lengthText(Math.abs(clockOffsetMs))}`,
  ];
}

function sentence({ problem }: ClusterState, nodes: readonly ClusterNode[]): string {
  const rate = nodes.reduce((sum, node) => sum + node.rate, 0);
  const whole = `${wholeText(Math.round(rate))} messages/s over ten seconds, from ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`;
  return problem === undefined ? whole : `${whole} · ${problem}`;
}

function namesOf(nodes: readonly ClusterNode[]): string {
  return nodes.map(({ name }) => name).join(', ');
}
