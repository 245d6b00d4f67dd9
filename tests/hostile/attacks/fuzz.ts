/**
 * Mutated requests, seeded: the server must live, and count what it answers 200.
 *
 * Connections carry requests until one is not answered. Where a server refuses what follows a
 * message in the same packet, the message is counted and its answer goes with the connection. So those
 * connections are played again with a packet for each line, so that each answer leaves before the
 * refusal: then counts and answers must be equal, and what the second play answered more than the
 * first is just what the first counted more than it answered.
 */
import { setTimeout } from 'node:timers/promises';
import { Random } from '../../../packages/server/src/simulation/random.ts';
import { markdownTable } from '../../support/markdown.ts';
import type { Attack } from '../attack.ts';
import { Client, inParallel } from '../support/exchange.ts';
import { mutated } from '../support/mutation.ts';
import { type Reto3Target, reto3Kinds } from '../support/target.ts';

const requestsPerConnection = 50;
const connectionsAtOnce = 96;
const replaysAtOnce = 256;
const playsInGroup = 2_000;
const slowestGapMs = 64;
/** Nothing comes for so long: the server waits for more. */
const quietMs = 3;
/** A server that has the end of the connection closes it; this one hangs. */
const hangMs = 15_000;

interface Play {
  readonly packets: readonly string[];
  readonly answered: number;
}

export interface FuzzResult {
  readonly sent: number;
  readonly answered: number;
  readonly counted: number;
  /** Answers that went with their connection, found by playing it again. */
  readonly lost: number;
  /** In the second play: counted and not answered, or the other way round. */
  readonly differenceInLines: number;
  readonly hangs: number;
  readonly crashed: boolean;
}

export async function fuzz(
  target: Reto3Target,
  seed: number,
  requests: number,
): Promise<FuzzResult> {
  const connections = Math.ceil(requests / requestsPerConnection) * 4;
  let sent = 0;
  let hangs = 0;
  const before = await target.counted();
  const plays: Play[] = [];
  let answered = 0;
  const seeds = (function* () {
    // A seed for each connection: which connection comes first does not matter then.
    for (let index = 0; index < connections * requestsPerConnection; index++)
      yield (seed + Math.imul(index, 0x9e3779b9)) >>> 0;
  })();
  const worker = async (): Promise<void> => {
    for (const own of seeds) {
      if (sent >= requests) return;
      const random = new Random(own);
      const packets: string[] = [];
      const client = await Client.connect(target.port);
      let closedByServer = client.closed;
      let answers = 0;
      let unanswered = false;
      while (packets.length < requestsPerConnection && !closedByServer && sent < requests) {
        const packet = mutated(random);
        packets.push(packet);
        sent++;
        client.write(packet);
        await client.answerOrQuiet(quietMs);
        closedByServer = client.closed;
        const now = client.answered;
        unanswered = now === answers;
        if (unanswered) break;
        answers = now;
      }
      if (!closedByServer) client.halfClose();
      if ((await client.closedWithin(hangMs)) === undefined) hangs++;
      answers = client.answered;
      client.destroy();
      answered += answers;
      // Where the last packet was answered, nothing was refused.
      if (unanswered) plays.push({ packets, answered: answers });
    }
  };
  await Promise.all(Array.from({ length: connectionsAtOnce }, worker));
  const counted = (await target.counted()) - before;
  const again = await playInLines(target, plays);
  return { sent, answered, counted, hangs, crashed: !target.alive(), ...again };
}

/**
 * Plays connections again, in groups. Lines may still share a packet where the server was late, so a
 * group of which counts and answers differ is played once more, slower; what is there every time is
 * a difference.
 */
async function playInLines(target: Reto3Target, plays: readonly Play[]) {
  let lost = 0;
  let differenceInLines = 0;
  for (let from = 0; from < plays.length; from += playsInGroup) {
    const group = plays.slice(from, from + playsInGroup);
    let answered = 0;
    let difference = 1;
    for (let gapMs = 1; gapMs <= slowestGapMs && difference !== 0; gapMs *= 4) {
      const before = await target.counted();
      answered = await answersInLines(target, group, gapMs);
      difference = Math.abs((await target.counted()) - before - answered);
    }
    differenceInLines += difference;
    lost += answered - group.reduce((sum, play) => sum + play.answered, 0);
  }
  return { lost, differenceInLines };
}

async function answersInLines(
  target: Reto3Target,
  plays: readonly Play[],
  gapMs: number,
): Promise<number> {
  let answered = 0;
  await inParallel(plays, replaysAtOnce, async ({ packets }) => {
    const client = await Client.connect(target.port);
    for (const packet of packets) {
      for (const piece of packet.split(/(?<=\n)/)) {
        if (client.closed) break;
        client.write(piece);
        await setTimeout(gapMs);
      }
    }
    client.halfClose();
    await client.closedWithin(hangMs);
    answered += client.answered;
    client.destroy();
  });
  return answered;
}

/** Set by scripts/hostile.mjs from the command line. */
const { RETO3_HOSTILE_SEED: givenSeed, RETO3_HOSTILE_REQUESTS: givenRequests } = process.env;

export const fuzzing: Attack = {
  name: 'fuzz',
  async run() {
    const seed = Number(givenSeed ?? Date.now() % 1_000_000_000);
    const requests = Number(givenRequests ?? 1_000_000);
    const rows: string[][] = [];
    const broken: string[] = [];
    for (const kind of reto3Kinds) {
      const missing = kind.missing();
      if (missing !== undefined) {
        rows.push([kind.name, `not run: ${missing}`, '', '', '', '', '', '', '']);
        continue;
      }
      const target = await kind.start();
      process.stdout.write(`fuzz: ${target.name}, seed ${seed}\n`);
      const result = await fuzz(target, seed, requests);
      const { sent, answered, counted, lost, differenceInLines, hangs, crashed } = result;
      const figures = [seed, sent, counted, answered, lost, counted - answered - lost];
      rows.push([target.name, ...figures.map(String), String(hangs), crashed ? '1' : '0']);
      if (crashed) broken.push(`${target.name} crashed`);
      if (hangs > 0) broken.push(`${target.name} hung ${hangs} times`);
      if (counted !== answered + lost || differenceInLines !== 0)
        broken.push(`${target.name} counted otherwise than it answered`);
    }
    const columns = [
      'server',
      'seed',
      'requests',
      'counted',
      'answered 200',
      'answers lost with their connection',
    ];
    return {
      text: markdownTable([...columns, 'counted otherwise', 'hangs', 'crashes'], rows),
      broken,
    };
  },
};
