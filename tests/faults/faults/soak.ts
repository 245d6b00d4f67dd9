/** A long load at half of the machine's capacity: nothing grows and nothing is lost. */
import { readdir, readFile } from 'node:fs/promises';
import { OpenLoop } from '@reto3/bench/src/loads/open-loop.ts';
import { runWrk } from '@reto3/bench/src/loads/wrk.ts';
import { message } from '@reto3/bench/src/peers/peer.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';

import { temporaryFolder } from '../../support/folder.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { auditedTotal } from '../support/audit.ts';
import { program } from '../support/needs.ts';

const { RETO3_FAULTS_SOAK_MINUTES: minutes = '10' } = process.env;
const soakMinutes = Number(minutes);

const slopeLimit = 1;
/** LevelDB keeps one open file per table, and a compaction may add a few. */
const fileLimit = 4;
/** The share of the soak in which heap and caches reach their size. */
const warmUpShare = 0.2;
const connections = 64;
/** The load runs in slices: its own record of each request would grow over the whole soak. */
const sliceSeconds = 20;
const sampleEveryMs = 1_000;

interface Sample {
  readonly minutes: number;
  readonly megabytes: number;
  readonly files: number;
}

async function capacityOf(): Promise<number> {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { requestsPerSecond } = await runWrk({
    port: server.port,
    request: message,
    connections,
    threads: 1,
    depth: 1,
    seconds: 5,
    cores: undefined,
  });
  await server.stop();
  return requestsPerSecond;
}

async function sampleOf(pid: number, begun: number): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return {
    minutes: (performance.now() - begun) / 60_000,
    megabytes: kilobytes / 1_024,
    files: (await readdir(`/proc/${pid}/fd`)).length,
  };
}

/** The slope by least squares, MB per minute. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = mean(samples.map((sample) => sample.minutes));
  const level = mean(samples.map((sample) => sample.megabytes));
  let [rise, run] = [0, 0];
  for (const sample of samples) {
    rise += (sample.minutes - middle) * (sample.megabytes - level);
    run += (sample.minutes - middle) ** 2;
  }
  return rise / run;
}

export const soak: Fault = {
  name: 'soak',
  promise: `nothing grows: memory by less than ${slopeLimit} MB/min, files not at all, totals exact`,
  fault: `${soakMinutes} minutes at half of the machine's capacity`,
  rounds: 1,
  missing: program('wrk'),
  async run(rounds) {
    const requestsPerSecond = Math.round((await capacityOf()) / 2);
    const from = thisMinute();
    const dataDir = await temporaryFolder();
    const server = await Server.start({ dataDir });
    const begun = performance.now();
    const endAt = begun + rounds * soakMinutes * 60_000;
    const samples: Sample[] = [];
    let answered = 0;
    while (performance.now() < endAt) {
      const seconds = Math.min(sliceSeconds, Math.ceil((endAt - performance.now()) / 1_000));
      const load = await OpenLoop.open({
        ports: [server.port],
        request: message,
        requestsPerSecond,
        seconds,
        warmUpSeconds: 0,
        connections,
        depth: 8,
      });
      // Skip the first and last second, in which connections open and close.
      const sampling = setInterval(() => {
        void sampleOf(server.pid, begun).then((sample) => samples.push(sample));
      }, sampleEveryMs);
      const done = setTimeout(() => clearInterval(sampling), (seconds - 1) * 1_000);
      try {
        answered += (await load.run()).answered + probes;
      } finally {
        clearInterval(sampling);
        clearTimeout(done);
      }
    }
    const ranMinutes = (performance.now() - begun) / 60_000;
    const total = await auditedTotal(server.adminUrl, from);
    await server.stop();

    const warm = samples.filter((sample) => sample.minutes > ranMinutes * warmUpShare);
    const slope = slopeOf(warm);
    const part = Math.ceil(warm.length / 5);
    const filesOf = (some: readonly Sample[]): number =>
      quantile(
        some.map(({ files }) => files),
        0.5,
      );
    const files = [filesOf(warm.slice(0, part)), filesOf(warm.slice(-part))] as const;
    const level = quantile(
      warm.map(({ megabytes }) => megabytes),
      0.5,
    );
    return {
      runs: `${ranMinutes.toFixed(0)} min`,
      figure:
        `${Math.round(answered / ranMinutes / 60)} requests/s; counted ${total} of ${answered}; ` +
        `memory ${level.toFixed(0)} MB, ${slope.toFixed(2)} MB/min; open files ${files[0]}, then ${files[1]}`,
      pass: total === answered && slope < slopeLimit && files[1] - files[0] <= fileLimit,
    };
  },
};

/** OpenLoop first sends one request to measure the length of an answer. */
const probes = 1;
