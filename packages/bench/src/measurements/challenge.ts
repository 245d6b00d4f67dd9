/** The challenge's load, 5,000 requests/s: what it costs in processor, memory and disk. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { calmRate, challengeSource, runChallenge } from '../loads/challenge.ts';
import { bareUws } from '../peers/bare-uws.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { reto3 } from '../peers/reto3.ts';
import type { Finding } from '../result.ts';

const microseconds = 1e6;
const megabyte = 1e6;
const sampleEveryMs = 1_000;
/** Of the memory samples: what a server takes while it warms up is not growth. */
const settledShare = 0.25;

export async function challenge(bench: Bench): Promise<Finding[]> {
  const { challengeRounds, challengeSeconds } = bench.plan;
  const collected = new Collected();
  for (let round = 0; round < challengeRounds; round++) {
    for (const peer of bench.inTurn(round, [reto3, bareUws])) {
      await bench.with(peer, { placement: bench.placement, workers: 1 }, async (running) => {
        const before = running.usage();
        const startMs = performance.now();
        const { answered, residentBytes } = await load(bench, running, challengeSeconds);
        const seconds = (performance.now() - startMs) / 1_000;
        const after = running.usage();
        const cpu = ((after.cpuSeconds - before.cpuSeconds) / answered) * microseconds;
        collected.add('challenge-cpu', peer.name, cpu);
        collected.add('challenge-memory', peer.name, Math.max(...residentBytes) / megabyte);
        if (peer === reto3) {
          const written = (after.writtenBytes - before.writtenBytes) / seconds;
          collected.add('challenge-disk', peer.name, written);
          collected.add('challenge-growth', peer.name, growthOf(residentBytes) / megabyte);
        }
        bench.say(`  ${peer.name}: ${cpu} µs a request`);
      });
    }
  }
  const how = `${challengeSeconds} s of ${calmRate.toLocaleString('en')} requests/s from ${challengeSource(bench)}; one core for the server.`;
  const shape = { better: 'lower', how } as const;
  return [
    {
      ...shape,
      id: 'challenge-cpu',
      title: 'Processor time per request under the load of the challenge',
      unit: 'µs',
      series: collected.series('challenge-cpu'),
    },
    {
      ...shape,
      id: 'challenge-memory',
      title: 'Resident memory under the load of the challenge, highest',
      unit: 'MB',
      series: collected.series('challenge-memory'),
    },
    {
      ...shape,
      id: 'challenge-growth',
      title: 'Growth of the memory, last sample against the first quarter',
      unit: 'MB',
      series: collected.series('challenge-growth'),
    },
    {
      ...shape,
      id: 'challenge-disk',
      title: 'Bytes towards the disk per second, journal and compactions included',
      unit: 'B/s',
      series: collected.series('challenge-disk'),
    },
  ];
}

interface Loaded {
  readonly answered: number;
  /** One sample a second. */
  readonly residentBytes: readonly number[];
}

async function load(bench: Bench, running: RunningPeer, seconds: number): Promise<Loaded> {
  const residentBytes: number[] = [];
  const sampling = setInterval(
    () => residentBytes.push(running.usage().residentBytes),
    sampleEveryMs,
  );
  try {
    const answered = await runChallenge(bench, running, seconds);
    residentBytes.push(running.usage().residentBytes);
    return { answered, residentBytes };
  } finally {
    clearInterval(sampling);
  }
}

/** The last sample above the one at which the server had settled. */
function growthOf(samples: readonly number[]): number {
  const settled = samples[Math.floor(samples.length * settledShare)] ?? Number.NaN;
  return (samples.at(-1) ?? Number.NaN) - settled;
}
