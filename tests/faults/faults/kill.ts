/**
 * `kill -9` at random moments under load, always on the same folder; after each kill, the next
 * server is killed once during its start.
 *
 * A message is lost if it was answered 200 and is missing in the next server's store. An unanswered
 * message may be counted or not, but no more messages than were sent.
 */
import { setTimeout } from 'node:timers/promises';
import { Random } from '@reto3/core/testing';
import { askInfo, askStats } from '../../support/api.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server, serveArgs } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault, Finding } from '../fault.ts';
import { AnswerTimes } from '../support/answer-times.ts';
import { auditedTotal } from '../support/audit.ts';
import { killWhileStarting } from '../support/kill-starting.ts';
import { all, program, root } from '../support/needs.ts';
import { diskThreads, Strace } from '../support/strace.ts';

const defaultFlushMs = 50;
const shortestFlushMs = 10;
/** The promise: one flush interval plus the time of a write. */
const worstLossMs = (flushMs: number): number => flushMs + 15;
/** Long enough for two fsyncs, one a second, so that kills fall before, during and after them. */
const latestKillMs = 2_500;
/**
 * With one request at a time on each connection, nearly all requests are answered. Durable answers
 * wait for an fsync, so a load needs many connections.
 */
const connectionsOf = { memory: 16, durable: 256 } as const;

type Ack = 'memory' | 'durable';

interface Loss {
  readonly messages: number;
  /** From the oldest lost message to the kill. */
  readonly ms: number;
}

interface Losses {
  readonly answered: number;
  readonly losses: readonly Loss[];
}

async function killRounds(
  ack: Ack,
  rounds: number,
  { flushMs = defaultFlushMs, fsyncMs }: { flushMs?: number; fsyncMs?: number } = {},
): Promise<Losses> {
  const random = new Random(9);
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const flags = ['--ack', ack, '--flush-ms', String(flushMs)];
  const losses: Loss[] = [];
  let answered = 0;
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < rounds; round++) {
    const before = (await askInfo(server.adminUrl)).messagesInAll;
    if (fsyncMs !== undefined)
      await Strace.attach(await diskThreads(server.pid), `delay_enter=${fsyncMs * 1_000}`);
    const times = new AnswerTimes();
    const onAnswers = (answers: number): void => times.add(answers);
    const connections = connectionsOf[ack];
    const loadedSince = Date.now();
    const load = Load.start({ port: server.port, connections, depth: 1, onAnswers });
    await setTimeout(random.next() * latestKillMs);
    const killedAt = performance.now();
    const killedAtWall = Date.now();
    await server.kill();
    await load.done;
    await killWhileStarting(serveArgs({ dataDir, flags }), random);

    server = await Server.start({ dataDir, flags });
    const counted = (await askInfo(server.adminUrl)).messagesInAll - before;
    if (counted > load.sent) throw new Error(`counted ${counted} of ${load.sent} that were sent`);
    const messages = Math.max(0, load.answered - counted);
    const oldestLost = messages === 0 ? killedAt : times.at(counted + 1);
    // Zeros from before the load are written only once a second; missing ones are no loss.
    const stored = Math.max(loadedSince, await storedTo(server, killedAtWall));
    losses.push({
      messages,
      ms: Math.max(killedAt - oldestLost, killedAtWall - stored),
    });
    answered += load.answered;
  }
  await auditedTotal(server.adminUrl, from);
  return { answered, losses };
}

/** The end of the newest window before the kill, epoch ms. */
async function storedTo(server: Server, killedAt: number): Promise<number> {
  const query = `from=${killedAt - 5_000}&to=${killedAt + 10}&open=true`;
  const { starts } = await askStats(server.adminUrl, 'ms10', query);
  return Math.min(killedAt, (starts.at(-1) ?? Number.NaN) + 10);
}

export const killDurable: Fault = {
  name: 'kill-durable',
  promise: 'durable answers survive',
  fault:
    '`kill -9` at random moments under load and again while the next server starts, `--ack durable`',
  rounds: 50,
  async run(rounds): Promise<Finding> {
    const { answered, losses } = await killRounds('durable', rounds);
    const lost = losses.reduce((sum, { messages }) => sum + messages, 0);
    return {
      runs: rounds,
      figure: `answered and lost: ${lost} of ${answered}`,
      pass: lost === 0 && answered > 0,
    };
  },
};

export const killMemory: Fault = {
  name: 'kill-memory',
  promise: `memory mode loses at most one flush interval and 15 ms (${worstLossMs(defaultFlushMs)} ms)`,
  fault:
    '`kill -9` at random moments under load and again while the next server starts, `--ack memory`',
  rounds: 50,
  async run(rounds): Promise<Finding> {
    return judge(await killRounds('memory', rounds), rounds, defaultFlushMs);
  },
};

export const killShortFlush: Fault = {
  name: 'kill-short-flush',
  promise: `the same with the shortest flush interval (${worstLossMs(shortestFlushMs)} ms)`,
  fault: `the same, with \`--flush-ms ${shortestFlushMs}\``,
  rounds: 50,
  async run(rounds): Promise<Finding> {
    const flushMs = shortestFlushMs;
    return judge(await killRounds('memory', rounds, { flushMs }), rounds, flushMs);
  },
};

/** For disks whose fsync takes longer than the flush interval. */
const slowFsyncMs = 400;

export const killSlowDisk: Fault = {
  name: 'kill-slow-disk',
  promise: `the same bound if an fsync takes ${slowFsyncMs} ms (${worstLossMs(defaultFlushMs)} ms)`,
  fault: 'the same, with `strace -e inject=fsync,fdatasync:delay_enter` from each start on',
  rounds: 20,
  missing: all(root, program('strace')),
  async run(rounds): Promise<Finding> {
    const losses = await killRounds('memory', rounds, { fsyncMs: slowFsyncMs });
    return judge(losses, rounds, defaultFlushMs);
  },
};

function judge({ answered, losses }: Losses, rounds: number, flushMs: number): Finding {
  const worstMs = Math.max(...losses.map(({ ms }) => ms));
  const sorted = losses.map(({ ms }) => ms).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const messages = Math.max(...losses.map((loss) => loss.messages));
  return {
    runs: rounds,
    figure:
      `worst loss: ${worstMs.toFixed(0)} ms, ${messages} messages; ` +
      `median ${median.toFixed(0)} ms (${answered} answered)`,
    pass: worstMs <= worstLossMs(flushMs) && answered > 0,
  };
}
