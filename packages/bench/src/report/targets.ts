/** reto3's targets, and whether a run met them. Pure. */
import { type Cell, type Results, valuesOf } from '../result.ts';
import { differences, ratios, spreadOf } from '../statistics.ts';

const us = 'reto3';
const bare = 'bare uWebSockets.js';
const usOnNode = 'reto3 --http node';
const bareNode = 'node:http';

export interface Target {
  readonly what: string;
  readonly limit: number;
  readonly at: 'least' | 'most';
  /** Undefined if not measured. */
  readonly reached: (results: Results) => number | undefined;
}

export interface Verdict {
  readonly what: string;
  /** Such as `≥ 0.97`. */
  readonly wanted: string;
  /** Undefined if not measured. */
  readonly reached: number | undefined;
  readonly met: boolean | undefined;
}

/** The median over the rounds of ours ÷ theirs. */
function ratio(id: string, their: string, our = us): Target['reached'] {
  return ({ comparisons }) => {
    const ours = valuesOf(comparisons, id, our);
    const theirs = valuesOf(comparisons, id, their);
    return ours && theirs && spreadOf(ratios(ours, theirs)).median;
  };
}

/** The median over the rounds of ours − theirs. */
function difference(id: string, their: string): Target['reached'] {
  return ({ comparisons }) => {
    const ours = valuesOf(comparisons, id, us);
    const theirs = valuesOf(comparisons, id, their);
    return ours && theirs && spreadOf(differences(ours, theirs)).median;
  };
}

/** A cell of a table, by the first cell of its row and the index of its column. */
function cell(id: string, row: Cell, column: number): Target['reached'] {
  return ({ tables }) => {
    const found = tables.find((table) => table.id === id)?.rows.find((cells) => cells[0] === row)?.[
      column
    ];
    return isNumber(found) ? found : undefined;
  };
}

/** One ÷ the other. */
function quotient(one: Target['reached'], other: Target['reached']): Target['reached'] {
  return (results) => {
    const [above, below] = [one(results), other(results)];
    return above === undefined || below === undefined ? undefined : above / below;
  };
}

/** The largest number of a column, of the rows that `counts` accepts. */
function largest(
  id: string,
  column: number,
  counts: (row: readonly Cell[]) => boolean,
): Target['reached'] {
  return ({ tables }) => {
    const rows = tables.find((table) => table.id === id)?.rows.filter(counts) ?? [];
    const cells = rows.map((row) => row[column]).filter(isNumber);
    return cells.length > 0 ? Math.max(...cells) : undefined;
  };
}

function isNumber(found: Cell | undefined): found is number {
  return typeof found === 'number';
}

function medianOf(id: string, name: string): Target['reached'] {
  return ({ comparisons }) => {
    const values = valuesOf(comparisons, id, name);
    return values && spreadOf(values).median;
  };
}

/** The largest median of several queries. */
function slowest(ids: readonly string[], short: string, long: string): Target['reached'] {
  return (results) => {
    const all = ids.map((id) => ratio(id, short, long)(results));
    return all.every((value) => value !== undefined) ? Math.max(...all) : undefined;
  };
}

const queryIds = ['query-minutes', 'query-hour', 'query-last'];
export const shortHistory = 'one day';
export const longHistory = 'long history';
export const fiveYears = 'five years';

export const archiveOn = 'with the archive';
export const archiveOff = 'without';
export const sqlRow = 'reto3 query, a count per 10 ms';
export const replayRow = 'reto3 replay count, on one core';

export const keyedOn = 'with by:path';
export const keyedOff = 'without';

/** Logs of JSON lines, and the programs that write them. */
export const jsonLogs = { 'nginx-json': 'nginx', caddy: 'Caddy', traefik: 'Traefik', k6: 'k6' };

export const statsCommand = 'reto3 stats sec';
export const emptyProgram = 'node -e 0';
/** The table of all commands. */
export const startOfCommands = 'cli-starts';
/** In its second column: the command opens a data folder. */
export const folderRead = 'folder';

export const alone = 'baseline';
export const watched = '20 dashboards';
export const alerted = '4 alerts';

/** The targets of one server. */
export const serverTargets: readonly Target[] = [
  least('keep-alive ÷ bare uWebSockets.js', 0.975, ratio('keep-alive', bare)),
  least('pipelined × 16 ÷ bare uWebSockets.js', 0.86, ratio('pipelined', bare)),
  least('keep-alive ÷ haproxy + stick table', 1, ratio('keep-alive', 'haproxy + stick table')),
  least('keep-alive ÷ nginx return 200', 1.1, ratio('keep-alive', 'nginx return 200')),
  least('keep-alive ÷ nginx + Lua', 1.3, ratio('keep-alive', 'nginx + Lua shared dict')),
  least('keep-alive ÷ webdis + Redis', 2, ratio('keep-alive', 'webdis + Redis INCR')),
  least('keep-alive ÷ VictoriaMetrics', 4, ratio('keep-alive', 'VictoriaMetrics')),
  least('keep-alive ÷ InfluxDB', 25, ratio('keep-alive', 'InfluxDB')),
  least('keep-alive with --http node ÷ node:http', 0.93, ratio('keep-alive', bareNode, usOnNode)),
  least('ingest with 20 dashboards ÷ without', 0.97, ratio('watched-share', alone, watched)),
  least('ingest with 4 alerts ÷ without', 0.97, ratio('alerts-share', alone, alerted)),
  least('keep-alive with by:path ÷ without', 0.9, ratio('keyed-rate', keyedOff, keyedOn)),
  least('pipelined ÷ haproxy', 5, ratio('pipelined', 'haproxy + stick table')),
  least('pipelined ÷ nginx', 5, ratio('pipelined', 'nginx return 200')),
  most('CPU per request at 5,000/s ÷ bare', 1.1, ratio('challenge-cpu', bare)),
  most('CPU per request over ten minutes ÷ bare', 1.1, ratio('soak-cpu', bare)),
  most("other threads' CPU ÷ the worker's, %", 5, medianOf('challenge-rest', us)),
  most("other threads' CPU over ten minutes ÷ the worker's, %", 5, medianOf('soak-rest', us)),
  most('resident memory − bare, MB', 30, difference('challenge-memory', bare)),
  most('resident memory over ten minutes − bare, MB', 22, difference('soak-memory', bare)),
  most('memory growth after five minutes, MB', 0.5, medianOf('soak-growth', us)),
  most('disk writes at 5,000/s, B/s', 7_000, medianOf('challenge-disk', us)),
  most('latency p99 at 5,000/s ÷ bare', 1.1, ratio('latency-calm-p99', bare)),
  most('latency p99 at half the maximum ÷ bare', 1.1, ratio('latency-half-p99', bare)),
  most('visible in open counts, p99, ms', 5, cell('delays', 'visible in open counts', 2)),
  most('visible in /v1/live, p99, ms', 40, cell('delays', 'visible in /v1/live', 2)),
  least('keep-alive with the archive ÷ without', 0.6, ratio('archive-rate', archiveOff, archiveOn)),
  least('answers/s with the archive at 50,000/s', 49_500, cell('archive-rates', 50_000, 1)),
  most('dropped by the archive at 50,000/s', 0, cell('archive-rates', 50_000, 3)),
  // 10,000,000 messages in 2 s.
  least('SQL over the archive, messages/s', 5_000_000, cell('archive-reading', sqlRow, 3)),
  most('windows where SQL differs', 0, cell('archive-reading', sqlRow, 5)),
  least('replay on one core, messages/s', 1_000_000, cell('archive-reading', replayRow, 3)),
  most('windows where replay differs', 0, cell('archive-reading', replayRow, 5)),
  least('reading an nginx log, lines/s', 3_000_000, medianOf('log-rates', 'nginx')),
  least('reading it compressed, lines/s', 1_500_000, medianOf('log-rates', 'nginx, gzip')),
  ...Object.entries(jsonLogs).map(([log, program]) =>
    least(`reading JSON lines of ${program}, lines/s`, 700_000, medianOf('log-rates', log)),
  ),
  least('reading and archiving, lines/s', 500_000, medianOf('log-rates', 'nginx, import --keep')),
  least('reading a log ÷ GoAccess', 25, ratio('log-rates', 'combined, GoAccess', 'combined')),
  most('reading 2 GB of log, resident, MB', 250, medianOf('log-memory', 'reto3 stats --log')),
  most('archiving 2 GB of log, resident, MB', 250, medianOf('log-memory', 'reto3 import --keep')),
  most('view of 1 GB of log, ms', 6_000, medianOf('log-view', 'reto3 view')),
  most('following 100,000 lines/s, behind, ms', 1_000, cell('log-follow', 100_000, 3)),
  most('a day: ms10 blocks ÷ entropy', 1.05, cell('storage', 'reto3, all ms10 blocks', 2)),
  most(
    'a day: folder, compacted ÷ entropy',
    1.12,
    cell('storage', 'reto3, whole folder, compacted', 2),
  ),
  most('a day as CSV ÷ VictoriaMetrics', 0.5, ratio('export', 'VictoriaMetrics', 'reto3 stats')),
  most(`${statsCommand} ÷ node -e 0`, 1.7, ratio('cli-start', emptyProgram, statsCommand)),
  most(
    'slowest other command without a folder ÷ node -e 0',
    2.2,
    largest(startOfCommands, 3, ([name, reads]) => name !== statsCommand && reads !== folderRead),
  ),
  most(
    'slowest command with a folder ÷ node -e 0',
    2.2,
    largest(startOfCommands, 3, ([, reads]) => reads === folderRead),
  ),
  most('server start on a long history, ms', 450, medianOf('server-start', longHistory)),
  most(
    'server start on five years ÷ on one day',
    1.2,
    ratio('server-start', shortHistory, fiveYears),
  ),
  most('queries on a long history ÷ on one day', 1.2, slowest(queryIds, shortHistory, longHistory)),
];

/** The targets of a cluster. */
export const clusterTargets: readonly Target[] = [
  most('merger for 100 nodes, cores', 0.1, cell('cluster-growth', 100, 2)),
  most('merger for 1,000 nodes, cores', 0.12, cell('cluster-growth', 1_000, 2)),
  most(
    'end of a second to cluster counts, p99, ms',
    300,
    cell('cluster-delay', 'end of a second to cluster counts', 2),
  ),
  most('bytes in the stream per node and second', 400, cell('cluster-node', 5_000, 3)),
  most('an empty merger joins 1,000 nodes after an hour, s', 60, cell('cluster-fresh', 1_000, 4)),
  most(
    'the same per node ÷ of 100 nodes',
    1.5,
    quotient(cell('cluster-fresh', 1_000, 5), cell('cluster-fresh', 100, 5)),
  ),
  most('the same, most memory, MB', 400, cell('cluster-fresh', 1_000, 6)),
];

function least(what: string, limit: number, reached: Target['reached']): Target {
  return { what, limit, at: 'least', reached };
}

function most(what: string, limit: number, reached: Target['reached']): Target {
  return { what, limit, at: 'most', reached };
}

export function verdicts(results: Results, targets: readonly Target[]): Verdict[] {
  return targets.map(({ what, limit, at, reached: reachedIn }) => {
    const reached = reachedIn(results);
    const wanted = `${at === 'least' ? '≥' : '≤'} ${limit}`;
    if (reached === undefined) return { what, wanted, reached, met: undefined };
    return { what, wanted, reached, met: at === 'least' ? reached >= limit : reached <= limit };
  });
}
