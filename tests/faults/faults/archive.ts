/** The archive under the faults of its server: `kill -9`, and a thread of its own that stands still. */
import { setTimeout } from 'node:timers/promises';
import { Random } from '../../../packages/server/src/simulation/random.ts';
import { askStats } from '../../support/api.ts';
import {
  archivedWindows,
  archiveInfo,
  archiveSettled,
  holdArchive,
  inventedIn,
  missingIn,
} from '../../support/archive.ts';
import { runCli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server, serveArgs } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import { countsOf, sumOf } from '../../support/windows.ts';
import type { Fault } from '../fault.ts';
import { killWhileStarting } from '../support/kill-starting.ts';
import { program } from '../support/needs.ts';

const flushMs = 100;
/** Workers hand over twice in each interval, and the write after that has it; 20 ms for the writing. */
const worstLossMs = flushMs * 1.5 + 20;
const latestKillMs = 2_500;
const flags = ['--archive', '--flush-ms', String(flushMs)];

export const archiveKill: Fault = {
  name: 'archive-kill',
  promise: `the archive holds what the counts hold, but for the last ${worstLossMs} ms, and never more`,
  fault:
    '`kill -9` at random moments under load and again while the next server starts, `--archive`; then `reto3 audit`',
  rounds: 20,
  async run(rounds) {
    const random = new Random(6);
    const from = thisMinute();
    const dataDir = await temporaryFolder();
    let server = await Server.start({ dataDir, flags });
    let invented = 0;
    let vanished = 0;
    let missingBefore = 0;
    const losses: { readonly ms: number; readonly messages: number }[] = [];
    let counted = 0;
    for (let round = 0; round < rounds; round++) {
      const loadedSince = Date.now();
      const load = Load.start({ port: server.port, connections: 16, depth: 1 });
      await setTimeout(random.next() * latestKillMs);
      const safe = (await archiveInfo(server)).archive.messages;
      const killedAt = Date.now();
      await server.kill();
      await load.done;
      await killWhileStarting(serveArgs({ dataDir, flags }), random);

      server = await Server.start({ dataDir, flags });
      const archived = await archivedWindows(dataDir);
      const stored = countsOf(await askStats(server.adminUrl, 'ms10', `from=${from}&open=true`));
      const missing = missingIn(archived, stored);
      const oldest = Math.min(killedAt, ...missing.starts.filter((start) => start >= loadedSince));
      losses.push({ ms: killedAt - oldest, messages: missing.messages - missingBefore });
      missingBefore = missing.messages;
      invented += inventedIn(archived, stored);
      vanished += Math.max(0, safe - sumOf(archived));
      counted = sumOf(stored);
    }
    const audit = await runCli(['audit', '--url', server.adminUrl]);
    await server.stop();
    const worst = Math.max(...losses.map(({ ms }) => ms));
    const messages = Math.max(...losses.map((loss) => loss.messages));
    return {
      runs: rounds,
      figure:
        `not in the archive: what came in the last ${worst} ms at most, ${messages} messages; ` +
        `archived and gone: ${vanished}; not counted: ${invented} (${counted} counted, audit exits with ${audit.code})`,
      pass:
        worst <= worstLossMs && invented === 0 && vanished === 0 && audit.code === 0 && counted > 0,
    };
  },
};

const loadMs = 3_000;

export const archiveStall: Fault = {
  name: 'archive-stall',
  promise: 'an archive that stands still slows no counting, and what it drops is counted exactly',
  fault:
    "the archive's thread waits for a pipe that nobody reads while its segment is opened; then somebody reads",
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
      const release = holdArchive(dataDir);
      const load = Load.start({ port: server.port, connections: 64, depth: 16 });
      await setTimeout(loadMs);
      await load.stop();
      // While it stands still: room for 16 MiB, no more.
      const still = await archiveInfo(server);
      if (still.archive.archived > 0 || still.archive.dropped === 0)
        throw new Error(`the archive did not stand still: ${JSON.stringify(still.archive)}`);
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
