/**
 * Mutated requests from a seed: the server must survive, and count exactly what it answers 200.
 *
 * A connection sends requests until one is not answered. If the server refuses the bytes behind a
 * message in the same packet, the message counts, but the connection loses its answer. So
 * connections come in groups. A group with more counts than answers is replayed with one packet per
 * line, so that each answer leaves before the refusal. Then counts and answers must be equal, and
 * the additional answers must be exactly those that the first play lost.
 *
 * With `--ack durable` no answer is lost: a message that shares a packet with a refused one does
 * not count.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Ack } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { markdownTable } from '../../support/markdown.ts';
import type { Attack } from '../attack.ts';
import { Client, inParallel } from '../support/exchange.ts';
import { mutated } from '../support/mutation.ts';
import { type Reto3Target, reto3Kinds } from '../support/target.ts';

const maxRequestsOfConnection = 50;
const connectionsAtOnce = 128;
/** Small, so that one lost answer replays few connections. */
const connectionsInGroup = 256;
/** A busy machine may read late what arrived long before. */
const gapsMs = [1, 4, 16, 64, 256];
/** After this time without data, the server waits for more. A durable answer waits for the disk. */
const quietMs: Readonly<Record<Ack, number>> = { memory: 3, durable: 100 };
/** A server must close a half-closed connection; one that takes longer hangs. */
const hangMs = 15_000;

interface Play {
  readonly packets: readonly string[];
  readonly answered: number;
  /** The server did not close the half-closed connection. */
  readonly hung: boolean;
  /** Some requests were not answered, so something may have been refused. */
  readonly unanswered: boolean;
}

export interface FuzzResult {
  readonly sent: number;
  readonly answered: number;
  readonly counted: number;
  /** Answers that connections lost, found by replaying them. */
  readonly lost: number;
  /** The difference between counts and answers in the replay. */
  readonly differenceInLines: number;
  readonly hangs: number;
  readonly crashed: boolean;
}

/** @param requests the minimum; the last group of connections is sent completely */
export async function fuzz(
  target: Reto3Target,
  seed: number,
  requests: number,
): Promise<FuzzResult> {
  const result = { sent: 0, answered: 0, counted: 0, lost: 0, differenceInLines: 0, hangs: 0 };
  let before = await target.counted();
  for (let connection = 0; result.sent < requests; connection += connectionsInGroup) {
    // Each connection has its own seed, so their order does not matter.
    const seeds = Array.from(
      { length: connectionsInGroup },
      (_, index) => (seed + Math.imul(connection + index, 0x9e3779b9)) >>> 0,
    );
    const plays: Play[] = [];
    await inParallel(seeds, connectionsAtOnce, async (own) => {
      plays.push(await play(target, new Random(own)));
    });
    const answered = sumOf(plays, (each) => each.answered);
    const counted = (await target.counted()) - before;
    before += counted;
    result.sent += sumOf(plays, (each) => each.packets.length);
    result.answered += answered;
    result.counted += counted;
    result.hangs += plays.filter((each) => each.hung).length;
    if (counted === answered) continue;
    const again = await playInLines(
      target,
      plays.filter((each) => each.unanswered),
      counted - answered,
    );
    result.lost += again.lost;
    result.differenceInLines += again.difference;
    before = await target.counted();
  }
  return { ...result, crashed: !target.alive() };
}

function sumOf(plays: readonly Play[], of: (play: Play) => number): number {
  return plays.reduce((sum, each) => sum + of(each), 0);
}

/** Sends requests over one connection until one is not answered. */
async function play({ port, ack }: Reto3Target, random: Random): Promise<Play> {
  const client = await Client.connect(port);
  const packets: string[] = [];
  let unanswered = false;
  while (packets.length < maxRequestsOfConnection && !client.closed && !unanswered) {
    const before = client.answered;
    const packet = mutated(random);
    packets.push(packet);
    client.write(packet);
    await client.answerOrQuiet(quietMs[ack]);
    unanswered = client.answered === before;
  }
  if (!client.closed) client.halfClose();
  const hung = (await client.closedWithin(hangMs)) === undefined;
  client.destroy();
  return { packets, answered: client.answered, hung, unanswered };
}

/**
 * Replays connections, to find the answers that they lost. A busy server may still read several
 * lines as one packet. So unless every message is answered, and the first play lost exactly the
 * additional answers, replay all more slowly; a difference that remains every time is real.
 */
async function playInLines(target: Reto3Target, plays: readonly Play[], missing: number) {
  const answeredBefore = sumOf(plays, (each) => each.answered);
  let found = { lost: 0, difference: 0 };
  for (const gapMs of gapsMs) {
    const before = await target.counted();
    const answered = await answersInLines(target, plays, gapMs);
    const difference = Math.abs((await target.counted()) - before - answered);
    found = { lost: answered - answeredBefore, difference };
    if (difference === 0 && found.lost === missing) break;
  }
  return found;
}

async function answersInLines(
  target: Reto3Target,
  plays: readonly Play[],
  gapMs: number,
): Promise<number> {
  let answered = 0;
  await inParallel(plays, plays.length, async ({ packets }) => {
    const client = await Client.connect(target.port);
    for (const packet of packets) {
      for (const piece of packet.split(/(?<=\n)/)) {
        if (client.closed) break;
        client.write(piece);
        await passed(gapMs);
      }
    }
    client.halfClose();
    await client.closedWithin(hangMs);
    answered += client.answered;
    client.destroy();
  });
  return answered;
}

/**
 * Resolves once so much time has passed, and all that arrived meanwhile was read. A timer alone runs
 * from when the turn of the event loop began, and before what arrived is read; a write to a
 * connection that the server has closed then discards the answers.
 */
async function passed(ms: number): Promise<void> {
  const end = performance.now() + ms;
  for (let left = ms; left > 0; left = end - performance.now()) await setTimeout(Math.ceil(left));
  await setImmediate();
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
      const isLossless = target.ack === 'memory' || lost === 0;
      if (counted !== answered + lost || differenceInLines !== 0 || !isLossless)
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
