/** Throughput of every peer under wrk's maximum load. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { keepAliveConnections, runWrk } from '../loads/wrk.ts';
import { type Placement, unpinned } from '../machine.ts';
import { bareUws } from '../peers/bare-uws.ts';
import { haproxy } from '../peers/haproxy.ts';
import { nginx, nginxLua } from '../peers/nginx.ts';
import { nodeHttp } from '../peers/node-http.ts';
import type { Peer, RunningPeer } from '../peers/peer.ts';
import { reto3, reto3Node } from '../peers/reto3.ts';
import type { Comparison, Finding, Table } from '../result.ts';
import { spreadOf } from '../statistics.ts';
import { watchBusy } from '../usage.ts';

const pipelineDepth = 16;
const warmUpSeconds = 1;
/** Measured in every round. */
const pair: readonly Peer[] = [reto3, bareUws];
/** Peers that support pipelining. */
const pipelining: readonly Peer[] = [...pair, haproxy, nginx, nginxLua, reto3Node, nodeHttp];

/** One core for the server, one for the load. */
export async function throughput(bench: Bench): Promise<Finding[]> {
  const { pairs, peerRounds } = bench.plan;
  const rates = new Collected();
  const times = new Collected();
  const options = { placement: bench.placement, workers: 1 };
  const measure = async (peer: Peer): Promise<void> => {
    await bench.with(peer, options, async (running) => {
      const load = { bench, peer, running, threads: 1, cores: bench.placement.load };
      await wrk({ ...load, depth: 1, seconds: warmUpSeconds });
      const spent = watchTime(running, bench.placement);
      const keepAlive = await wrk({ ...load, depth: 1 });
      spent(times, peer, keepAlive * bench.plan.loadSeconds);
      rates.add('keep-alive', peer.name, keepAlive);
      bench.say(`  ${peer.name}: ${Math.round(keepAlive)}/s`);
      if (!pipelining.includes(peer)) return;
      const pipelined = await wrk({ ...load, depth: pipelineDepth });
      rates.add('pipelined', peer.name, pipelined);
      bench.say(`  ${peer.name}, pipelined: ${Math.round(pipelined)}/s`);
    });
  };
  const broken = new Set<Peer>();
  for (let round = 0; round < Math.max(pairs, peerRounds); round++) {
    for (const peer of bench.inTurn(round, round < peerRounds ? bench.peers : pair)) {
      if (broken.has(peer)) continue;
      if (!(await bench.attempt(peer.name, () => measure(peer)))) broken.add(peer);
    }
  }
  const cores =
    bench.placement.server === undefined
      ? 'The server and wrk share all cores, because this machine has one core or no taskset'
      : 'The server runs with all its threads on one core, wrk on another';
  const how = `wrk, ${keepAliveConnections} keep-alive connections, POST with the challenge body (webdis, VictoriaMetrics and InfluxDB: one write in their own format). ${cores}.`;
  return [
    comparison('keep-alive', 'Requests per second, one core', how, rates),
    timeTable(times),
    comparison(
      'pipelined',
      `Requests per second, one core, ${pipelineDepth} requests pipelined`,
      `The same load with ${pipelineDepth} requests per packet.`,
      rates,
    ),
  ];
}

/**
 * Starts measuring CPU time; the returned function records it per request. Without pinning, it
 * leaves out how busy the cores were, which would mean nothing.
 */
function watchTime(running: RunningPeer, { server, load }: Placement) {
  const before = running.usage();
  const serverBusy = server && watchBusy(server);
  const loadBusy = load && watchBusy(load);
  return (times: Collected, { name }: Peer, requests: number): void => {
    const after = running.usage();
    const microseconds = (seconds: number): number => (seconds / requests) * 1e6;
    times.add(kernelTime, name, microseconds(after.kernelSeconds - before.kernelSeconds));
    times.add(allTime, name, microseconds(after.cpuSeconds - before.cpuSeconds));
    if (serverBusy) times.add(busyServer, name, serverBusy());
    if (loadBusy) times.add(busyLoad, name, loadBusy());
  };
}

const allTime = 'all';
const kernelTime = 'kernel';
const busyServer = 'busy server';
const busyLoad = 'busy load';

function timeTable(times: Collected): Table {
  const median = (metric: string, name: string): number | undefined => {
    const values = times.series(metric).find((series) => series.name === name)?.values;
    return values && spreadOf(values).median;
  };
  const share = (metric: string, name: string): string => {
    const value = median(metric, name);
    return value === undefined ? '' : `${Math.round(value * 100)} %`;
  };
  return {
    id: 'keep-alive-time',
    title: 'Where the CPU time of a request goes',
    how: "Server CPU time per request under the keep-alive load, from the kernel's counters; medians. A server can only save time in its own code; the rest is sockets. Where wrk's core is full too, wrk could hide a faster server.",
    columns: ['server', 'µs', 'kernel, µs', 'own code, µs', 'server core busy', 'load core busy'],
    rows: times.series(allTime).map(({ name }) => {
      const all = median(allTime, name) ?? Number.NaN;
      const kernel = median(kernelTime, name) ?? Number.NaN;
      return [name, all, kernel, all - kernel, share(busyServer, name), share(busyLoad, name)];
    }),
  };
}

/** Server and load share all cores. */
export async function unpinnedThroughput(bench: Bench, workers: number): Promise<Finding[]> {
  const rates = new Collected();
  const scaling = [reto3, bareUws, haproxy, nginx];
  for (let round = 0; round < bench.plan.unpinnedRounds; round++) {
    const peers = bench.peers.filter((each) => scaling.includes(each));
    for (const peer of bench.inTurn(round, peers)) {
      await bench.with(peer, { placement: unpinned, workers }, async (running) => {
        const load = { bench, peer, running, threads: workers, cores: undefined, depth: 1 };
        await wrk({ ...load, seconds: warmUpSeconds });
        const rate = await wrk(load);
        rates.add('unpinned', peer.name, rate);
        bench.say(`  ${peer.name}: ${Math.round(rate)}/s`);
      });
    }
  }
  const how = `wrk (threads: ${workers}) and the servers (workers: ${workers}) share all cores of the machine.`;
  return [comparison('unpinned', 'Requests per second, all cores', how, rates)];
}

interface Load {
  readonly bench: Bench;
  readonly peer: Peer;
  readonly running: RunningPeer;
  readonly threads: number;
  readonly depth: number;
  readonly cores: readonly number[] | undefined;
  readonly seconds?: number;
}

async function wrk({ bench, peer, running, threads, depth, cores, seconds }: Load) {
  const { requestsPerSecond } = await runWrk({
    port: running.port,
    request: peer.request,
    connections: keepAliveConnections,
    threads,
    depth,
    cores,
    seconds: seconds ?? bench.plan.loadSeconds,
  });
  return requestsPerSecond;
}

function comparison(id: string, title: string, how: string, rates: Collected): Comparison {
  return { id, title, unit: '/s', how, better: 'higher', series: rates.series(id) };
}
