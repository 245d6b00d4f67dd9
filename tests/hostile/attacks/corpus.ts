/**
 * Sends the corpus to one server: every case in one packet, byte by byte, and cut at every byte,
 * with the connection then half-closed or left idle.
 */
import { setTimeout } from 'node:timers/promises';
import { corpus } from '../corpus/all.ts';
import type { Case } from '../corpus/case.ts';
import { Client, inParallel, type Seen } from '../support/exchange.ts';
import type { Reto3Target, Target } from '../support/target.ts';
import { type Verdict, verdictOn } from '../support/verdict.ts';

/** Long enough for any answer, since everything is on this machine. */
const quietMs = 250;
/** Long enough for an unexpected additional answer, after all expected ones. */
const tailMs = 30;
/** The server must close a half-closed or idle connection within this time. */
export const hangMs = 15_000;
/** How long to wait for a slower close, to measure it. */
const patienceMs = 40_000;
const casesAtOnce = 64;
/** An idle connection costs only a file descriptor on each side. */
const leftAtOnce = 9_000;
/** Longer cases are cut only near their ends and at steps between. */
const cutsOfOneEnd = 120;
const cutsBetween = 40;
/** The number of packets for longer cases, instead of byte by byte. */
const maxPackets = 600;

interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
}

export interface CorpusResult {
  readonly findings: readonly Finding[];
  /** The number of valid messages that were counted but whose answers the connection lost. */
  readonly answersLost: number;
  /** Cases that count differently byte by byte than in one packet. */
  readonly otherInPieces: readonly string[];
  /** The difference between counts and answers byte by byte, where no connection loses answers. */
  readonly uncountedOrUnanswered: number;
  readonly cuts: number;
  /** Cases with a part that got more answers than the whole case byte by byte. */
  readonly cutTooOften: readonly string[];
  /** How long the longest idle connection stayed open, s; Infinity means longer than 40. */
  readonly leftForSeconds: number;
  /** Cases whose half-closed connection was not closed in time. */
  readonly hangs: readonly string[];
  readonly crashed: boolean;
}

function isReto3(target: Target): target is Reto3Target {
  return 'counted' in target;
}

async function countedBy(target: Target): Promise<number> {
  return isReto3(target) ? target.counted() : Number.NaN;
}

/** Sends every case in one packet, one case at a time, so that each has its own count. */
async function whole(target: Target, cases: readonly Case[] = corpus) {
  const findings: Finding[] = [];
  const counts = new Map<string, number>();
  let answersLost = 0;
  let before = await countedBy(target);
  for (const item of cases) {
    const client = await Client.connect(target.port);
    client.write(item.bytes);
    const most = Math.max(...item.want.map((outcome) => outcome.counted));
    const seen = await client.quiet(quietMs, most > 0 ? { answers: most, tailMs } : undefined);
    client.destroy();
    const after = await countedBy(target);
    const counted = isReto3(target) ? after - before : seen.answered;
    before = after;
    counts.set(item.name, counted);
    findings.push({ name: item.name, verdict: verdictOn(item, seen, counted) });
    answersLost += counted - seen.answered;
  }
  return { findings, counts, answersLost };
}

/** Sends every case in one packet, in parallel. Returns the messages by both counts. */
export async function atOnce(target: Reto3Target, cases: readonly Case[]) {
  const before = await target.counted();
  const clients: Client[] = [];
  await inParallel(cases, casesAtOnce, async ({ bytes }) => {
    const client = await Client.connect(target.port);
    clients.push(client);
    client.write(bytes);
    await client.quiet(quietMs);
  });
  const seen = async () => ({
    counted: (await target.counted()) - before,
    answered: clients.reduce((sum, client) => sum + client.answered, 0),
  });
  let both = await seen();
  // An answer may take longer than the quiet period: a durable one waits for the disk, and any for a
  // busy machine. Only uWebSockets.js in memory mode loses answers for good.
  const mayLose = target.ack === 'memory' && target.http === 'uws';
  const deadline = performance.now() + patienceMs;
  while (!mayLose && both.counted > both.answered && performance.now() < deadline) {
    await setTimeout(quietMs);
    both = await seen();
  }
  for (const client of clients) client.destroy();
  return both;
}

/**
 * Sends every case byte by byte. Returns what each client saw, the answers, and how far the counts
 * differ from them.
 */
export async function inPieces(target: Target, cases: readonly Case[] = corpus) {
  const before = await countedBy(target);
  const clients = new Map<string, Client>();
  await inParallel(cases, casesAtOnce, async ({ name, bytes }) => {
    const client = await Client.connect(target.port);
    clients.set(name, client);
    const step = Math.max(1, Math.ceil(bytes.length / maxPackets));
    for (let from = 0; from < bytes.length && !client.closed; from += step) {
      client.write(bytes.slice(from, from + step));
      await setTimeout(1);
    }
    client.touch();
    await client.quiet(quietMs);
  });
  const answers = (): number =>
    [...clients.values()].reduce((sum, client) => sum + client.answered, 0);
  // A server that closes while its client still sends causes a reset, which may cost one answer.
  const mayBeLost = (): number =>
    cases.filter(({ name, want }) => {
      const client = clients.get(name);
      const most = Math.max(1, ...want.map((outcome) => outcome.counted));
      return client?.wasReset && client.answered < most;
    }).length;
  let difference = 0;
  if (isReto3(target)) {
    const differenceNow = async (): Promise<number> => {
      const unanswered = (await target.counted()) - before - answers();
      return unanswered < 0 ? -unanswered : Math.max(0, unanswered - mayBeLost());
    };
    difference = await differenceNow();
    // A durable answer waits for the disk, which may take longer than the quiet period.
    const deadline = performance.now() + patienceMs;
    while (difference > 0 && performance.now() < deadline) {
      await setTimeout(quietMs);
      difference = await differenceNow();
    }
  }
  const answered = answers();
  const seen = new Map<string, Seen>();
  for (const [name, client] of clients) {
    seen.set(name, client.seen);
    client.destroy();
  }
  return { seen, answered, difference };
}

/** Cases that the server must serve: all, or those of a single message if it closes pipelines. */
export function servedCases({ pipelines }: Reto3Target): readonly Case[] {
  return pipelines
    ? corpus
    : corpus.filter(({ want }) => want.every((outcome) => outcome.counted <= 1));
}

/** Cases by their outcome byte by byte, where every answer is visible. */
export function verdictsInPieces(
  seen: ReadonlyMap<string, Seen>,
  cases: readonly Case[] = corpus,
): Record<Verdict, string[]> {
  const names: Record<Verdict, string[]> = {
    'as wanted': [],
    'refused by the time limit only': [],
    'not served': [],
    'taken although malformed': [],
    'counted although refused': [],
  };
  for (const item of cases) {
    const one = seen.get(item.name);
    if (one === undefined) throw new Error(`BUG: ${item.name} was not sent`);
    const verdict = verdictOn(item, one, one.answered);
    // The message was answered, and the bytes behind it were refused.
    names[verdict === 'counted although refused' ? 'taken although malformed' : verdict].push(
      item.name,
    );
  }
  return names;
}

interface Cut {
  readonly name: string;
  readonly bytes: string;
}

function cutsOf({ name, bytes }: Case): Cut[] {
  const cuts: Cut[] = [];
  const step = Math.ceil(bytes.length / cutsBetween);
  for (let length = 0; length < bytes.length; length++) {
    const isNear = Math.min(length, bytes.length - length) <= cutsOfOneEnd;
    if (isNear || length % step === 0) cuts.push({ name, bytes: bytes.slice(0, length) });
  }
  return cuts;
}

/** Sends every beginning of every case, then half-closes the connection or leaves it idle. */
async function cut(target: Target, most: ReadonlyMap<string, number>) {
  const cuts = corpus.flatMap(cutsOf);
  const tooOften = new Set<string>();
  const hangs = new Set<string>();
  const judge = (item: Cut, client: Client): void => {
    if (client.answered > (most.get(item.name) ?? 0)) tooOften.add(item.name);
    client.destroy();
  };
  await inParallel(cuts, casesAtOnce, async (item) => {
    const client = await Client.connect(target.port);
    client.write(item.bytes);
    client.halfClose();
    if ((await client.closedWithin(hangMs)) === undefined) hangs.add(item.name);
    judge(item, client);
  });
  let leftForMs = 0;
  for (let from = 0; from < cuts.length; from += leftAtOnce) {
    const left: Promise<void>[] = [];
    // Open a few at a time: the accept queue is short, and a connection that does not fit is open
    // on one side only.
    await inParallel(cuts.slice(from, from + leftAtOnce), casesAtOnce, async (item) => {
      const client = await Client.connect(target.port);
      client.write(item.bytes);
      left.push(
        client.closedWithin(patienceMs).then((closedMs) => {
          leftForMs = Math.max(leftForMs, closedMs ?? Number.POSITIVE_INFINITY);
          judge(item, client);
        }),
      );
    });
    await Promise.all(left);
  }
  return {
    cuts: 2 * cuts.length,
    tooOften: [...tooOften],
    hangs: [...hangs],
    leftForSeconds: leftForMs / 1_000,
  };
}

/**
 * A message that is answered when nothing shares its packet was not refused: the parser accepted
 * it, and refused the bytes behind it.
 */
function settled(
  findings: readonly Finding[],
  counts: ReadonlyMap<string, number>,
  answers: ReadonlyMap<string, number>,
): Finding[] {
  return findings.map(({ name, verdict }) => {
    const isTaken = (answers.get(name) ?? 0) >= (counts.get(name) ?? 0);
    return verdict === 'counted although refused' && isTaken
      ? { name, verdict: 'taken although malformed' }
      : { name, verdict };
  });
}

export async function attackWithCorpus(target: Target): Promise<CorpusResult> {
  const { findings, counts, answersLost } = await whole(target);
  const { seen, difference } = await inPieces(target);
  const answers = new Map([...seen].map(([name, { answered }]) => [name, answered]));
  const most = new Map(
    corpus.map(({ name }) => [name, Math.max(counts.get(name) ?? 0, answers.get(name) ?? 0)]),
  );
  const { cuts, tooOften, hangs, leftForSeconds } = await cut(target, most);
  const last = await Client.connect(target.port);
  const connects = !last.closed;
  last.destroy();
  return {
    findings: settled(findings, counts, answers),
    answersLost,
    otherInPieces: corpus
      .filter(({ name }) => answers.get(name) !== counts.get(name))
      .map(({ name }) => name),
    uncountedOrUnanswered: difference,
    cuts,
    cutTooOften: tooOften,
    hangs,
    leftForSeconds,
    crashed: !target.alive() || !connects,
  };
}
