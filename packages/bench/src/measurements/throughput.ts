/** How many requests a second: every peer under as much load as wrk makes. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { keepAliveConnections, runWrk } from '../loads/wrk.ts';
import { unpinned } from '../machine.ts';
import { bareUws } from '../peers/bare-uws.ts';
import { haproxy } from '../peers/haproxy.ts';
import { nginx, nginxLua } from '../peers/nginx.ts';
import { nodeHttp } from '../peers/node-http.ts';
import type { Peer, RunningPeer } from '../peers/peer.ts';
import { reto3 } from '../peers/reto3.ts';
import type { Comparison, Finding } from '../result.ts';

const pipelineDepth = 16;
const warmUpSeconds = 1;
/** The two that are compared in every round. */
const pair: readonly Peer[] = [reto3, bareUws];
/** Those that answer several requests in one packet at once. */
const pipelining: readonly Peer[] = [...pair, haproxy, nginx, nginxLua, nodeHttp];

/** One core for the server, one for the load. */
export async function throughput(bench: Bench): Promise<Finding[]> {
  const { pairs, peerRounds } = bench.plan;
  const rates = new Collected();
  const options = { placement: bench.placement, workers: 1 };
  const measure = async (peer: Peer): Promise<void> => {
    await bench.with(peer, options, async (running) => {
      const load = { bench, peer, running, threads: 1, cores: bench.placement.load };
      await wrk({ ...load, depth: 1, seconds: warmUpSeconds });
      const keepAlive = await wrk({ ...load, depth: 1 });
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
      ? 'server and load share all cores, since this machine has one or no taskset'
      : 'the server with all its threads on one core, the load on another';
  const how = `wrk, ${keepAliveConnections} connections that stay open, POST with the body of the challenge (webdis, VictoriaMetrics and InfluxDB: one write of their own); ${cores}.`;
  return [
    comparison('keep-alive', 'Requests per second, one core', how, rates),
    comparison(
      'pipelined',
      `Requests per second, one core, ${pipelineDepth} requests pipelined`,
      `The same with ${pipelineDepth} requests in a packet.`,
      rates,
    ),
  ];
}

/** All cores for both, as many threads as each likes. */
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
  const how = `wrk with ${workers} threads and servers with ${workers} workers share all cores of the machine.`;
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
