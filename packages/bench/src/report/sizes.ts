/**
 * Sizes a cluster from measurements of a small one. Pure. If a measurement is missing, its table is
 * left out.
 */
import type { Cell, Results, Table } from '../result.ts';

const nodeRate = 5_000;
const rates = [20_000, 100_000, 1_000_000] as const;
const daySeconds = 86_400;

export function sizesOf(results: Results): readonly Table[] {
  return [clusterSize(results), rateSize(results)].filter((table) => table !== undefined);
}

/** A row per size, computed from what one node publishes. */
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
    title: 'Resources by cluster size',
    how: `Computed from the tables below for nodes at ${nodeRate.toLocaleString('en')} requests/s each. Each replica writes the whole stream, and keeps the last 1,000 messages of a node.`,
    columns: [
      'nodes',
      'requests/s',
      'messages/s to the stream',
      'kB/s to the stream',
      'written per replica, GB/day',
      'merger, cores',
      'merger, MB',
    ],
    rows,
  };
}

/** Cores for a rate of single requests over keep-alive connections. */
function rateSize(results: Results): Table | undefined {
  const all = rowsOf(results, 'cluster-rates').filter(([, wanted]) => wanted === maximumRate);
  const directly = all.find(([path]) => path === 'direct');
  const balanced = all.find(([path]) => path === 'haproxy');
  if (directly === undefined || balanced === undefined) return undefined;
  const nodeCores = (row: readonly Cell[]): number => Number(row[nodesColumn]) / Number(row[2]);
  const balancer = Number(balanced[haproxyColumn]) / Number(balanced[2]);
  return {
    id: 'cluster-cores',
    title: 'Cores for a rate',
    how: 'Computed from the CPU time per request in the rates table below, row "maximum": single requests over keep-alive connections. Rates beyond that table are extrapolated.',
    columns: ['requests/s', 'node cores, direct', 'node cores behind haproxy', 'haproxy cores'],
    rows: rates.map((rate) => [
      rate,
      rate * nodeCores(directly),
      rate * nodeCores(balanced),
      rate * balancer,
    ]),
  };
}

/** The name of the row without a target rate. */
export const maximumRate = 'maximum';
const nodesColumn = 5;
const haproxyColumn = 7;

function rowsOf({ tables }: Results, id: string): readonly (readonly Cell[])[] {
  return tables.find((table) => table.id === id)?.rows ?? [];
}
