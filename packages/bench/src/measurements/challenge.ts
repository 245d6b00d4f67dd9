/** The CPU time, memory and disk writes under the challenge's load, 5,000 requests/s. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { challengeRate, challengeSource, runChallenge } from '../loads/challenge.ts';
import { bareUws } from '../peers/bare-uws.ts';
import { nodeHttp } from '../peers/node-http.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { reto3, reto3Node } from '../peers/reto3.ts';
import type { Finding } from '../result.ts';
import { threadsBetween } from '../usage.ts';

const microseconds = 1e6;
const megabyte = 1e6;
const sampleEveryMs = 1_000;
/**
 * The share of memory samples to skip: memory that a server takes while it warms up is not growth.
 */
const settledShare = 0.25;

export async function challenge(bench: Bench): Promise<Finding[]> {
  const { challengeRounds, challengePeerRounds, challengeSeconds, settleSeconds } = bench.plan;
  const collected = new Collected();
  for (let round = 0; round < challengeRounds; round++) {
    const onNode = round < challengePeerRounds ? [reto3Node, nodeHttp] : [];
    for (const peer of bench.inTurn(round, [reto3, bareUws, ...onNode])) {
      await bench.with(peer, { placement: bench.placement, workers: 1 }, async (running) => {
        const first = await load(bench, running, settleSeconds);
        const settled = await load(bench, running, challengeSeconds);
        collected.add('challenge-cpu', peer.name, settled.cpu);
        collected.add('challenge-cpu-first', peer.name, first.cpu);
        const residentBytes = [...first.residentBytes, ...settled.residentBytes];
        collected.add('challenge-memory', peer.name, Math.max(...residentBytes) / megabyte);
        if (peer === reto3) {
          collected.add('challenge-rest', peer.name, settled.restShare);
          collected.add('challenge-disk', peer.name, settled.writtenPerSecond);
          collected.add('challenge-growth', peer.name, growthOf(settled.residentBytes) / megabyte);
        }
        bench.say(`  ${peer.name}: ${settled.cpu} µs a request`);
      });
    }
  }
  const source = sourceOf(bench);
  const how = `${challengeSeconds} s of ${source}, after ${settleSeconds} s of warm-up.`;
  const shape = { better: 'lower', how } as const;
  return [
    {
      ...shape,
      id: 'challenge-cpu',
      title: 'CPU time per request under the challenge load',
      unit: 'µs',
      series: collected.series('challenge-cpu'),
    },
    {
      ...shape,
      id: 'challenge-cpu-first',
      title: 'CPU time per request in the first seconds, while V8 compiles',
      how: `${settleSeconds} s of ${source}.`,
      unit: 'µs',
      series: collected.series('challenge-cpu-first'),
    },
    {
      ...shape,
      id: 'challenge-rest',
      title: "CPU time of reto3's other threads, as a share of the worker's",
      unit: '%',
      series: collected.series('challenge-rest'),
    },
    {
      ...shape,
      id: 'challenge-memory',
      title: 'Peak resident memory under the challenge load',
      unit: 'MB',
      series: collected.series('challenge-memory'),
    },
    {
      ...shape,
      id: 'challenge-growth',
      title: 'Memory growth after the first quarter of the load',
      unit: 'MB',
      series: collected.series('challenge-growth'),
    },
    {
      ...shape,
      id: 'challenge-disk',
      title: 'Disk writes per second, journal and compactions included',
      unit: 'B/s',
      series: collected.series('challenge-disk'),
    },
  ];
}

/**
 * Runs as long as the challenge: shows whether memory stays flat, and the CPU time once V8 has
 * compiled.
 */
export async function soak(bench: Bench): Promise<Finding[]> {
  const { soakSeconds, settleSeconds } = bench.plan;
  const collected = new Collected();
  for (const peer of [reto3, bareUws]) {
    await bench.with(peer, { placement: bench.placement, workers: 1 }, async (running) => {
      const first = await load(bench, running, settleSeconds);
      const { cpu, restShare, residentBytes } = await load(bench, running, soakSeconds);
      const highest = Math.max(...first.residentBytes, ...residentBytes);
      collected.add('soak-cpu', peer.name, cpu);
      if (peer === reto3) collected.add('soak-rest', peer.name, restShare);
      collected.add('soak-memory', peer.name, highest / megabyte);
      collected.add('soak-growth', peer.name, lateGrowthOf(residentBytes) / megabyte);
      bench.say(`  ${peer.name}: ${cpu} µs a request`);
    });
  }
  const how = `${soakSeconds} s of ${sourceOf(bench)}, after ${settleSeconds} s of warm-up.`;
  const finding = (id: string, title: string, unit: string): Finding => ({
    id,
    title: `${soakSeconds} s of the challenge: ${title}`,
    how,
    unit,
    better: 'lower',
    series: collected.series(id),
  });
  return [
    finding('soak-cpu', 'CPU time per request', 'µs'),
    finding('soak-rest', "CPU time of reto3's other threads, as a share of the worker's", '%'),
    finding('soak-memory', 'peak resident memory', 'MB'),
    finding('soak-growth', 'growth of peak memory in the second half', 'MB'),
  ];
}

function sourceOf(bench: Bench): string {
  return `${challengeRate.toLocaleString('en')} requests/s from ${challengeSource(bench)} to a server on one core`;
}

interface Loaded {
  /** CPU time per answered request, µs. */
  readonly cpu: number;
  /** CPU time of all threads but the worker, in percent of the worker's. */
  readonly restShare: number;
  /** One sample per second. */
  readonly residentBytes: readonly number[];
  readonly writtenPerSecond: number;
}

async function load(bench: Bench, running: RunningPeer, seconds: number): Promise<Loaded> {
  const residentBytes: number[] = [];
  const sampling = setInterval(
    () => residentBytes.push(running.usage().residentBytes),
    sampleEveryMs,
  );
  try {
    const before = running.usage();
    const threadsBefore = running.threadSeconds();
    const startMs = performance.now();
    const answered = await runChallenge(bench, running, seconds);
    const tookSeconds = (performance.now() - startMs) / 1_000;
    const after = running.usage();
    const { all, busiest } = threadsBetween(threadsBefore, running.threadSeconds());
    residentBytes.push(after.residentBytes);
    return {
      cpu: ((after.cpuSeconds - before.cpuSeconds) / answered) * microseconds,
      restShare: (all / busiest - 1) * 100,
      residentBytes,
      writtenPerSecond: (after.writtenBytes - before.writtenBytes) / tookSeconds,
    };
  } finally {
    clearInterval(sampling);
  }
}

/** The last sample minus the first one after the warm-up. */
function growthOf(samples: readonly number[]): number {
  const settled = samples[Math.floor(samples.length * settledShare)] ?? Number.NaN;
  return (samples.at(-1) ?? Number.NaN) - settled;
}

/**
 * The peak of the second half minus the peak of the first: memory that rises and falls, like
 * LevelDB's write buffer, is not growth.
 */
function lateGrowthOf(samples: readonly number[]): number {
  const half = Math.floor(samples.length / 2);
  return Math.max(...samples.slice(half)) - Math.max(...samples.slice(0, half));
}
