/**
 * How large a cluster has to be, from what was measured of a small one. Pure. Tables that are not
 * there are left out, never guessed.
 */
import type { Cell, Results, Table } from '../result.ts';

const nodeRate = 5_000;
const rates = [20_000, 100_000, 1_000_000] as const;
const daySeconds = 86_400;

export function sizesOf(results: Results): readonly Table[] {
  return [clusterSize(results), rateSize(results)].filter((table) => table !== undefined);
}

/** Row by row of the growth, with what one node publishes. */
function clusterSize(results: Results): Table | undefined {
  const node = rowsOf(results, 'cluster-node').find(([rate]) => rate === nodeRate);
  const grown = rowsOf(results, 'cluster-growth');
  if (node === undefined || grown.length === 0) return undefined;
  const [, messages, bytes, stored] = node.map(Number);
  const rows = grown.map(([nodes, , cores, , memory]): Cell[] => [
    Number(nodes),
    Number(nodes) * nodeRate,
    Number(nodes) * Number(messages),
    (Number(nodes) * Number(bytes)) / 1e3,
    (Number(nodes) * Number(stored) * daySeconds) / 1e9,
    Number(cores),
    Number(memory),
  ]);
  return {
    id: 'cluster-size',
    title: 'What a cluster of that size needs',
    how: `From the tables below, for nodes of ${nodeRate.toLocaleString('en')} requests/s each. The stream lies on each of its replicas.`,
    columns: [
      'nodes',
      'requests/s',
      'messages/s to NATS',
      'kB/s to NATS',
      'GB a day in the stream',
      'merger, cores',
      'merger, MB',
    ],
    rows,
  };
}

/** Cores for a rate, where requests come one by one over connections that stay open. */
function rateSize(results: Results): Table | undefined {
  const all = rowsOf(results, 'cluster-rates').filter(([, wanted]) => wanted === mostThatGo);
  const directly = all.find(([path]) => path === 'directly');
  const balanced = all.find(([path]) => path === 'haproxy');
  if (directly === undefined || balanced === undefined) return undefined;
  const nodeCores = (row: readonly Cell[]): number => Number(row[nodesColumn]) / Number(row[2]);
  const balancer = Number(balanced[haproxyColumn]) / Number(balanced[2]);
  return {
    id: 'cluster-cores',
    title: 'Cores for a rate',
    how: 'From the processor time of each request in the table of rates below, "as many as go": requests one by one over connections that stay open. Whether so many cores reach it was measured only as far as that table goes.',
    columns: [
      'requests/s',
      'nodes, cores, directly',
      'nodes, cores, behind haproxy',
      'haproxy, cores',
    ],
    rows: rates.map((rate) => [
      rate,
      rate * nodeCores(directly),
      rate * nodeCores(balanced),
      rate * balancer,
    ]),
  };
}

/** How the row without a wanted rate is called. */
export const mostThatGo = 'as many as go';
const nodesColumn = 5;
const haproxyColumn = 7;

function rowsOf({ tables }: Results, id: string): readonly (readonly Cell[])[] {
  return tables.find((table) => table.id === id)?.rows ?? [];
}
