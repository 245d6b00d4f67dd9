/** The archive when its server gets `kill -9`, and when its own thread stalls. */
import { setTimeout } from 'node:timers/promises';
import { Random } from '@reto3/core/testing';
import { askStats } from '../../support/api.ts';
import {
  archivedWindows,
  archiveInfo,
  archiveSettled,
  missingIn,
  stallArchive,
  uncountedIn,
} from '../../support/archive.ts';
import { runCli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server, serveArgs } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import { SteadyLoad } from '../../support/steady-load.ts';
import { waitUntil } from '../../support/wait.ts';
import { countsOf, sumOf } from '../../support/windows.ts';
import type { Fault } from '../fault.ts';
import { killWhileStarting } from '../support/kill-starting.ts';
import { all, program, root } from '../support/needs.ts';
import { diskThreads, Strace } from '../support/strace.ts';

const flushMs = 100;
/**
 * Workers hand over twice per flush interval, and the next write includes the batch; plus 20 ms to
 * write.
 */
const worstLossMs = flushMs * 1.5 + 20;
/** The rate of every second round: a full load would fill batches before the interval ends. */
const slowRate = 500;
const latestKillMs = 2_500;
const flags = ['--archive', '--flush-ms', String(flushMs)];

interface Loss {
  /** From the oldest counted message that is not in the archive to the kill. */
  readonly ms: number;
  readonly messages: number;
}

interface Outcome {
  readonly losses: readonly Loss[];
  /** Messages that were archived and then disappeared. */
  readonly vanished: number;
  /** Archived messages that were not counted. */
  readonly invented: number;
  readonly counted: number;
  readonly auditExit: number | null;
}

/** @param writeMs a delay for each write of the counts */
async function killRounds(rounds: number, writeMs?: number): Promise<Outcome> {
  const random = new Random(6);
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const losses: Loss[] = [];
  let [invented, vanished, missingBefore, counted] = [0, 0, 0, 0];
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < rounds; round++) {
    if (writeMs !== undefined) {
      const delay = `delay_enter=${writeMs * 1_000}` as const;
      await Strace.attach(await diskThreads(server.pid), delay, 'write');
    }
    const loadedSince = Date.now();
    const load = startLoad(server, round % 2 === 1);
    await setTimeout(random.next() * latestKillMs);
    const safe = (await archiveInfo(server)).archive.messages;
    const killedAt = Date.now();
    await server.kill();
    await load.ended();
    await killWhileStarting(serveArgs({ dataDir, flags }), random);

    server = await Server.start({ dataDir, flags });
    const archived = await archivedWindows(dataDir);
    const stored = countsOf(await askStats(server.adminUrl, 'ms10', `from=${from}&open=true`));
    const missing = missingIn(archived, stored);
    const oldest = Math.min(killedAt, ...missing.starts.filter((start) => start >= loadedSince));
    losses.push({ ms: killedAt - oldest, messages: missing.messages - missingBefore });
    missingBefore = missing.messages;
    invented += uncountedIn(archived, stored);
    vanished += Math.max(0, safe - sumOf(archived));
    counted = sumOf(stored);
  }
  const { code: auditExit } = await runCli(['audit', '--url', server.adminUrl]);
  await server.stop();
  return { losses, vanished, invented, counted, auditExit };
}

/** A load that lasts until the server exits. */
function startLoad({ port }: Server, slow: boolean): { ended(): Promise<void> } {
  if (slow) {
    const load = SteadyLoad.start({ host: '127.0.0.1', port, rate: slowRate });
    return { ended: () => load.stop() };
  }
  const load = Load.start({ port, connections: 16, depth: 1 });
  return { ended: () => load.done };
}

function isTrue({ invented, vanished, auditExit, counted }: Outcome): boolean {
  return invented === 0 && vanished === 0 && auditExit === 0 && counted > 0;
}

const kills = `\`kill -9\` at random moments, in turn under full load and ${slowRate} requests/s, and again while the next server starts, \`--archive\``;

export const archiveKill: Fault = {
  name: 'archive-kill',
  promise: `the archive holds what the counts hold, but for the last ${worstLossMs} ms`,
  fault: `${kills}; then \`reto3 audit\``,
  rounds: 20,
  async run(rounds) {
    const outcome = await killRounds(rounds);
    const worstMs = Math.max(...outcome.losses.map(({ ms }) => ms));
    const messages = Math.max(...outcome.losses.map((loss) => loss.messages));
    return {
      runs: rounds,
      figure:
        `missing in the archive: at most the last ${worstMs} ms, ${messages} messages; ` +
        `archived and gone: ${outcome.vanished}; not counted: ${outcome.invented} (${outcome.counted} counted, audit exits with ${outcome.auditExit})`,
      pass: isTrue(outcome) && worstMs <= worstLossMs,
    };
  },
};

/** Without a delay a write takes less than 1 ms, so hardly any kill would hit one. */
const slowWriteMs = 40;

export const archiveAhead: Fault = {
  name: 'archive-ahead',
  promise: 'the archive never has a message that was not counted',
  fault: `the same, with \`strace -e inject=write:delay_enter\` (${slowWriteMs} ms) on the threads that write the counts`,
  rounds: 20,
  missing: all(root, program('strace')),
  async run(rounds) {
    const outcome = await killRounds(rounds, slowWriteMs);
    return {
      runs: rounds,
      figure: `not counted: ${outcome.invented} of ${outcome.counted}; archived and gone: ${outcome.vanished}; audit exits with ${outcome.auditExit}`,
      pass: isTrue(outcome),
    };
  },
};

export const archiveStall: Fault = {
  name: 'archive-stall',
  promise: 'a stalled archive does not slow counting, and its dropped messages are counted exactly',
  fault:
    "the archive's thread opens its segment as a pipe without a reader; then a reader opens it",
  rounds: 3,
  missing: program('mkfifo'),
  async run(rounds) {
    let answered = 0;
    let counted = 0;
    let dropped = 0;
    let astray = 0;
    let broken = 0;
    for (let round = 0; round < rounds; round++) {
      const dataDir = await temporaryFolder();
      const server = await Server.start({ dataDir, flags: [...flags, '--workers', '1'] });
      const release = stallArchive(dataDir);
      const load = Load.start({ port: server.port, connections: 64, depth: 16 });
      // The slots have room for 16 MiB during the stall.
      await waitUntil('a message is dropped', async () => {
        const { archive } = await archiveInfo(server);
        return archive.dropped > 0 || archive.archived > 0;
      });
      await load.stop();
      const still = await archiveInfo(server);
      if (still.archive.archived > 0 || still.archive.dropped === 0)
        throw new Error(`the archive did not stall: ${JSON.stringify(still.archive)}`);
      release();
      const info = await archiveSettled(server);
      answered += load.answered;
      broken += load.broken;
      counted += info.messagesSinceStart;
      dropped += info.archive.dropped;
      astray += Math.abs(info.messagesSinceStart - info.archive.archived - info.archive.dropped);
      await server.kill();
    }
    return {
      runs: rounds,
      figure:
        `counted ${counted} of ${answered} answered; dropped ${dropped}; neither archived nor dropped: ${astray}; ` +
        `connections lost: ${broken}`,
      pass: counted === answered && astray === 0 && broken === 0 && answered > 0,
    };
  },
};
