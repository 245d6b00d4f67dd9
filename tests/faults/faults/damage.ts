/**
 * Flips a bit in one file of a data folder, or truncates or deletes the file; then a server starts
 * on the folder and all three periods are read. The server must refuse, report the damaged part, or
 * return correct counts. It must never silently return wrong counts.
 *
 * One folder is from a server that stopped cleanly, another from a killed one. A killed server's
 * last writes are not synced, so a crash may take them anyway: if the end of its journal is cut,
 * this tail may be missing silently. It is counted separately.
 */
import { cp, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fillStore, type TimeRange } from '@reto3/bench/src/day/store.ts';
import { Random } from '@reto3/core/testing';
import { askInfo } from '../../support/api.ts';
import { startCli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server, serveArgs } from '../../support/server.ts';
import { within } from '../../support/wait.ts';
import type { Fault } from '../fault.ts';
import { type Answers, compare, type Difference, readAnswers } from '../support/answers.ts';
import { damageOneFile } from '../support/damage-file.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** The highest count in the hours before. */
const maxPerWindow = 12;
/** The journal is fsynced once a second: everything older than this is on the disk. */
const tailMs = 2_200;
/** Each run has a seed, counted from here; a failing run is named by it. */
const firstSeed = 1;

type Ending = 'clean' | 'killed';

interface Specimen {
  readonly ending: Ending;
  readonly folder: string;
  readonly range: TimeRange;
  readonly truth: Answers;
  readonly messages: number;
  /** A crash may take windows from here on. */
  readonly tailFrom: number;
}

/**
 * Makes three hours of blocks over two days, and a journal by a real server that ends in this way.
 */
async function makeSpecimen(ending: Ending): Promise<Specimen> {
  const folder = await temporaryFolder();
  const dataDir = `${folder}/data`;
  const now = Math.floor(Date.now() / minuteMs) * minuteMs;
  const from = now - 50 * hourMs;
  const random = new Random(2_016);
  const nextCount = (): number => random.below(maxPerWindow);
  await fillStore(dataDir, { from, to: from + hourMs }, nextCount);
  await fillStore(dataDir, { from: now - 2 * hourMs, to: now }, nextCount);
  const server = await Server.start({ dataDir });
  const load = Load.start({ port: server.port, connections: 4, depth: 1 });
  await setTimeout(4_000);
  if (ending === 'clean') await load.stop();
  const endedAt = Date.now();
  if (ending === 'clean') await server.stop();
  else await server.kill();
  await load.done;

  const range = { from, to: Math.floor(endedAt / 10) * 10 };
  const copy = await temporaryFolder();
  await cp(dataDir, copy, { recursive: true });
  const reader = await Server.start({ dataDir: copy });
  const truth = await readAnswers(reader.adminUrl, range);
  const messages = (await askInfo(reader.adminUrl)).messagesInAll;
  await reader.kill();
  const tailFrom = ending === 'clean' ? Number.POSITIVE_INFINITY : endedAt - tailMs;
  return { ending, folder: dataDir, range, truth, messages, tailFrom };
}

type Outcome = 'refused' | 'reported' | 'right' | 'tail' | 'wrong';

interface Verdict {
  readonly outcome: Outcome;
  readonly because: string;
}

async function judge(specimen: Specimen, seed: number): Promise<Verdict> {
  const dataDir = await temporaryFolder();
  await cp(specimen.folder, dataDir, { recursive: true });
  const damage = await damageOneFile(dataDir, new Random(seed));
  try {
    const { outcome, because } = await readDamaged(specimen, dataDir);
    return { outcome, because: `seed ${seed}, ${specimen.ending}, ${damage}: ${because}` };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function readDamaged(specimen: Specimen, dataDir: string): Promise<Verdict> {
  let server: Server;
  try {
    server = await Server.start({ dataDir });
  } catch {
    return readRefusal(dataDir);
  }
  try {
    const { differences, reported } = compare(
      await readAnswers(server.adminUrl, specimen.range),
      specimen.truth,
    );
    const [wrong] = differences.filter((difference) => !mayBeTail(difference, specimen));
    if (wrong !== undefined) {
      const { period, start, got, want } = wrong;
      const where = `${period} ${new Date(start).toISOString()}`;
      const because = `got ${got} at ${where}, want ${want}; ${differences.length} such windows`;
      return { outcome: 'wrong', because };
    }
    if (differences.length > 0) return { outcome: 'tail', because: 'the unsynced end is gone' };
    if (reported) return { outcome: 'reported', because: 'damage was reported' };
    const { messagesInAll } = await askInfo(server.adminUrl);
    if (messagesInAll !== specimen.messages) {
      const because = `got ${messagesInAll} messages in all, want ${specimen.messages}`;
      return { outcome: 'wrong', because };
    }
    return { outcome: 'right', because: 'every count is right' };
  } finally {
    await server.kill();
  }
}

/** A refusal exits with 1 and prints one line with the cure. */
async function readRefusal(dataDir: string): Promise<Verdict> {
  const running = startCli(serveArgs({ dataDir }));
  const { code } = await within('a refusal', 20_000, running.exited);
  const clear = code === 1 && /^reto3: [^\n]+\n$/.test(running.stderr);
  return { outcome: clear ? 'refused' : 'wrong', because: running.stderr.trim() };
}

function mayBeTail({ start, windowMs, got, want }: Difference, { tailFrom }: Specimen): boolean {
  return start + windowMs > tailFrom && (got ?? 0) <= (want ?? 0);
}

export const damage: Fault = {
  name: 'damage',
  promise: 'damage is never read as counts',
  fault:
    'a seeded flip, cut or deletion in any file of a folder with three hours of blocks and a journal, left cleanly or killed',
  rounds: 200,
  async run(rounds) {
    const specimens = [await makeSpecimen('clean'), await makeSpecimen('killed')];
    const tally = new Map<Outcome, number>();
    // One run at a time per folder, both folders in parallel.
    await Promise.all(
      specimens.map(async (specimen, lane) => {
        for (let seed = firstSeed + lane; seed < firstSeed + rounds; seed += specimens.length) {
          const { outcome, because } = await judge(specimen, seed);
          tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
          if (outcome === 'wrong') process.stderr.write(`damage: ${because}\n`);
        }
      }),
    );
    const of = (outcome: Outcome): number => tally.get(outcome) ?? 0;
    return {
      runs: rounds,
      figure:
        `wrong counts returned: ${of('wrong')}; refused to start ${of('refused')}, reported as damaged ${of('reported')}, ` +
        `all counts right ${of('right')}; unsynced tail of the killed server gone ${of('tail')}`,
      pass: of('wrong') === 0 && of('refused') > 0 && of('reported') > 0,
    };
  },
};
