/**
 * A cluster of real servers under load: how late its counts are, and the rates it handles through a
 * load balancer and directly.
 */
import { availableParallelism, cpus } from 'node:os';
import type { Bench } from '../bench.ts';
import { type Balancer, startBalancer } from '../cluster/balancer.ts';
import { canSyncAlways, type Nats } from '../cluster/nats.ts';
import { startNode, withNats } from '../cluster/servers.ts';
import { challengeRate } from '../loads/challenge.ts';
import { followCluster } from '../loads/delays.ts';
import { runSteady, steady } from '../loads/steady.ts';
import { runWrk } from '../loads/wrk.ts';
import { type RunningReto3, reto3 } from '../peers/reto3.ts';
import { finalThroughOf, liveNodes, messagesIn, messagesInCluster, until } from '../questions.ts';
import { maximumRate } from '../report/sizes.ts';
import type { Cell, Finding } from '../result.ts';
import { quantile } from '../statistics.ts';
import { watchCores } from '../usage.ts';

const natsServers = 3;
/** Above this rate the generator, which has one core, sends several requests per packet. */
const maxSingleRate = 25_000;
const pipelineDepth = 16;
/** A rate is reached if all requests are answered and p99 is below this. */
const maxLatencyMs = 100;
const wrkConnections = 64;

interface ClusterUnderLoad {
  readonly nats: Nats;
  readonly nodes: readonly [RunningReto3, ...RunningReto3[]];
  readonly merger: RunningReto3;
  /** Epoch ms. */
  readonly from: number;
}

export async function clusterDelay(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  const { delaySeconds } = bench.plan.cluster;
  await withCluster(bench, async ({ nodes, merger }) => {
    const done = new AbortController();
    const delays = followCluster(merger.adminUrl, done.signal);
    await runSteady(steady(portsOf(nodes), challengeRate, delaySeconds), bench.placement.load);
    done.abort();
    const delaysMs = await delays;
    rows.push([
      'end of a second to cluster counts',
      ...[0.5, 0.99, 1].map((share) => quantile(delaysMs, share)),
      delaysMs.length,
    ]);
  });
  return [
    {
      id: 'cluster-delay',
      title: 'Delay of the cluster counts',
      how: `${bench.plan.cluster.nodes} servers, ${natsServers} NATS servers with 3 replicas (${canSyncAlways() ? 'fsync before each acknowledgement' : 'this version cannot fsync before each acknowledgement'}) and one merger on this machine; ${challengeRate.toLocaleString('en')} requests/s spread over the servers. The delay runs from the end of a second to its arrival on the merger's /v1/live.`,
      columns: ['delay', 'p50, ms', 'p99, ms', 'max, ms', 'samples'],
      rows,
    },
  ];
}

export async function clusterRates(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  const { rates, rateSeconds, limitSeconds } = bench.plan.cluster;
  await withCluster(bench, async (cluster) => {
    const { nodes, nats, merger } = cluster;
    const balancer = await startBalancer(bench, nodes);
    const balancers: [Balancer, ...Balancer[]] = [balancer];
    try {
      balancers.push(await startBalancer(bench, nodes));
      for (const [path, ports] of [
        ['haproxy', [balancer.port]],
        ['2 × haproxy', portsOf(balancers)],
        ['direct', portsOf(nodes)],
      ] as const) {
        const measure = async (wanted: Cell, load: () => Promise<Cell[]>): Promise<void> => {
          const cores = [nodes, balancers, [nats], [merger]].map((each) => watchCores(each));
          const machine = watchMachine();
          const answers = await load();
          const busy = machine();
          const [inNodes = 0, ...others] = cores.map((used) => used());
          const memory = Math.max(...nodes.map((node) => node.usage().residentBytes)) / 1e6;
          rows.push([
            path,
            wanted,
            ...answers,
            inNodes,
            memory,
            ...others,
            busy,
            await differenceIn(cluster),
          ]);
          bench.say(`  ${path}, ${wanted}: ${rows.at(-1)?.[2]}/s`);
        };
        for (const rate of rates) await measure(rate, () => atRate(ports, rate, rateSeconds));
        await measure(maximumRate, () => most(ports, limitSeconds));
      }
    } finally {
      for (const each of balancers) await each.stop();
    }
  });
  const cores = availableParallelism();
  return [
    {
      id: 'cluster-rates',
      title: 'Rates, with everything on one machine',
      how: `${bench.plan.cluster.nodes} servers with one worker each, two haproxies, ${natsServers} NATS servers, a merger and the load share ${cores} cores, so the machine is the bottleneck. The load goes through one haproxy, through both in turn, or to the servers. Fixed rates come from the open loop (above ${maxSingleRate.toLocaleString('en')}/s with ${pipelineDepth} requests per packet) and count as reached if p99 is below ${maxLatencyMs} ms; "${maximumRate}" is wrk with ${wrkConnections} connections. Difference: the cluster's sum minus the nodes' sum after the load.`,
      columns: [
        'through',
        'target requests/s',
        'answered/s',
        'p99, ms',
        'reached',
        'all nodes, cores',
        'MB per node',
        'haproxy, cores',
        'NATS, cores',
        'merger, cores',
        'whole machine, cores',
        'difference',
      ],
      rows,
    },
  ];
}

type Ports = readonly [number, ...number[]];

/** Runs a fixed rate. The rate is not reached if answers are missing or late. */
async function atRate(ports: Ports, rate: number, seconds: number): Promise<Cell[]> {
  const depth = rate > maxSingleRate ? pipelineDepth : 1;
  const options = { ...steady(ports, rate, seconds), depth };
  const startMs = performance.now();
  try {
    const { answered, p99Ms } = await runSteady(options, undefined);
    const all = options.seconds + options.warmUpSeconds;
    return [Math.round(answered / all), p99Ms, p99Ms < maxLatencyMs ? 'yes' : 'no'];
  } catch (error) {
    const got = /got (\d+) answers to/.exec(String(error))?.[1];
    if (got === undefined) throw error;
    return [Math.round(Number(got) / ((performance.now() - startMs) / 1_000)), 'n/a', 'no'];
  }
}

async function most(ports: Ports, seconds: number): Promise<Cell[]> {
  const runs = ports.map((port) =>
    runWrk({
      port,
      request: reto3.request,
      connections: Math.ceil(wrkConnections / ports.length),
      threads: 1,
      depth: 1,
      seconds,
      cores: undefined,
    }),
  );
  const results = await Promise.all(runs);
  const rate = results.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  return [Math.round(rate), Math.max(...results.map(({ p99Ms }) => p99Ms)), ''];
}

/** The cluster's count minus that of its nodes; 0 once it has caught up. */
async function differenceIn({ nodes, merger, from }: ClusterUnderLoad): Promise<number> {
  let difference = Number.NaN;
  const ask = async (): Promise<number> => {
    const inCluster = await messagesInCluster(merger.adminUrl, from);
    let inNodes = 0;
    for (const node of nodes) inNodes += await messagesIn(node.adminUrl);
    difference = inCluster - inNodes;
    return difference;
  };
  await until('0', ask, (got) => got === 0).catch(() => undefined);
  return difference;
}

/**
 * Starts measuring; the returned function gives how many of the machine's cores were busy since.
 */
function watchMachine(): () => number {
  const read = () => {
    let [busy, all] = [0, 0];
    for (const { times } of cpus()) {
      const total = Object.values(times).reduce((sum, ms) => sum + ms, 0);
      all += total;
      busy += total - times.idle;
    }
    return { busy, all };
  };
  const before = read();
  return () => {
    const now = read();
    return ((now.busy - before.busy) / (now.all - before.all)) * cpus().length;
  };
}

async function withCluster(
  bench: Bench,
  use: (cluster: ClusterUnderLoad) => Promise<void>,
): Promise<void> {
  const from = Math.floor(Date.now() / 60_000) * 60_000;
  await withNats(
    bench,
    async (nats) => {
      const started: RunningReto3[] = [];
      const start = async (name: string, role: 'ingest' | 'merge'): Promise<RunningReto3> => {
        const server = await startNode(bench, nats, name, role);
        started.push(server);
        return server;
      };
      try {
        const merger = await start('merger', 'merge');
        const nodes: [RunningReto3, ...RunningReto3[]] = [await start('node-0', 'ingest')];
        while (nodes.length < bench.plan.cluster.nodes)
          nodes.push(await start(`node-${nodes.length}`, 'ingest'));
        await until(
          `${nodes.length} nodes`,
          () => liveNodes(merger.adminUrl),
          (got) => got === nodes.length,
        );
        // An empty merger first waits for nodes that it may not know.
        await until(
          'final counts',
          () => finalThroughOf(merger.adminUrl),
          (got) => got > 0,
        );
        await use({ nats, nodes, merger, from });
      } finally {
        for (const server of started.toReversed()) await server.stop();
      }
    },
    natsServers,
  );
}

type Listening = { readonly port: number };

function portsOf([first, ...others]: readonly [Listening, ...Listening[]]): Ports {
  return [first.port, ...others.map(({ port }) => port)];
}
