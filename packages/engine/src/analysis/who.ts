/**
 * Who was behind a burst: the keys (paths, clients …) with a larger share of it than of the rest of
 * the range; and who went missing in a stall: the keys that would hardly ever be silent for so long.
 *
 * A key that merely happened to come more often must not be named. Were the messages of the range
 * dealt at random, its number in the burst would be hypergeometric; a key is named if so many or
 * more had a chance of at most 1 % over all keys together (R. A. Fisher, The Design of Experiments,
 * 1935, 11; the bound over many keys is Bonferroni's), and if what it has beyond its usual share is
 * at least a fiftieth of the burst.
 */
import { Reto3Error } from '@reto3/core';
import type { Bursts } from './bursts.ts';

/** One burst in a hundred without a culprit may show one. */
const falseAlarms = 0.01;
/** What a culprit brings beyond its usual share, as a share of the burst. */
const leastExcess = 0.02;
/** A key with fewer messages is not named, so it need not be counted. */
export const leastShare = leastExcess;
export const leastCount = 2;
/** What a key did before a burst is counted for so long. */
export const beforeMs = 10_000;
/** Of a stall; the keys with the most messages come first. */
const mostMissing = 20;

/** What messages are told apart by. A header has `header:` before its name. */
export type WhoKey = (typeof fields)[number] | `header:${string}`;

const fields = ['path', 'method', 'status', 'host', 'client'] as const;
const header = /^header:[!#$%&'*+.^_`|~\w-]+$/;

/** The key that a user named. @throws Reto3Error RETO3_BAD_REQUEST */
export function parseWhoKey(text: string): WhoKey {
  const key = text.toLowerCase();
  const field = fields.find((each) => each === key);
  if (field !== undefined) return field;
  if (isHeader(key)) return key;
  throw new Reto3Error('RETO3_BAD_REQUEST', `got who "${text}"`, {
    hint: `use ${fields.join(', ')} or header:NAME`,
  });
}

function isHeader(key: string): key is `header:${string}` {
  return header.test(key);
}

/** [from, to), epoch ms. */
export interface KeyStretch {
  readonly from: number;
  readonly to: number;
}

/** Messages of a key. */
export interface KeyCount {
  readonly key: string;
  /** In the stretch; at least, if there is `atMost`. */
  readonly count: number;
  /** Present if the count is not exact. */
  readonly atMost?: number;
  /** In the whole range; at most, if the count is not exact. */
  readonly total: number;
  /** In the `beforeMs` before the stretch. */
  readonly before: number;
}

/** What is counted of a range by keys. */
export interface KeyCounts {
  /** Of the range. */
  readonly messages: number;
  /** How many different ones the range has; more is safe. */
  readonly keys: number;
  /** The keys with the most messages in the range, those first. */
  readonly frequent: readonly Pick<KeyCount, 'key' | 'total'>[];
  /** For each stretch, in order: its messages, and its keys with `leastShare` and `leastCount`. */
  readonly stretches: readonly {
    readonly messages: number;
    readonly keys: readonly KeyCount[];
  }[];
}

/** Counts the messages of a range by keys. Stretches do not overlap. */
export type CountKeys = (range: KeyStretch, stretches: readonly KeyStretch[]) => Promise<KeyCounts>;

export interface Culprit {
  readonly key: string;
  /** Its messages in the burst; 0 in a stall. */
  readonly count: number;
  /** Of the burst's messages, 0 to 1. */
  readonly share: number;
  /** Of the messages of the rest of the range, 0 to 1. */
  readonly baselineShare: number;
  /** Share ÷ baselineShare. A key that came only in the burst counts as half a message outside. */
  readonly lift: number;
  /** Its messages in the ten seconds before the burst; absent for a stall. */
  readonly before?: number;
  /** Whether every message of the burst was seen. */
  readonly exact: boolean;
  /** Bounds of the count, if it is not exact. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

type Named<Listed> = Listed & { readonly who: readonly Culprit[] };

export interface BurstsWithWho extends Bursts {
  readonly bursts: Omit<Bursts['bursts'], 'list'> & {
    readonly list: readonly Named<Bursts['bursts']['list'][number]>[];
  };
  readonly stalls: Omit<Bursts['stalls'], 'list'> & {
    readonly list: readonly Named<Bursts['stalls']['list'][number]>[];
  };
}

/** The analysis with `who` for each listed burst and stall. */
export async function nameCulprits(found: Bursts, countKeys: CountKeys): Promise<BurstsWithWho> {
  const { bursts, stalls } = found;
  const counts = await countKeys(found, bursts.list);
  const list = bursts.list.map((burst, index) => {
    const { messages = 0, keys = [] } = counts.stretches[index] ?? {};
    const unseen = Math.max(0, burst.total - messages);
    return { ...burst, who: overRepresented(keys, messages, counts).map(boundedBy(unseen)) };
  });
  const who = (ms: number): Culprit[] => missing(ms / (found.to - found.from), counts);
  return {
    ...found,
    bursts: { ...bursts, list },
    stalls: {
      ...stalls,
      list: stalls.list.map((stall) => ({ ...stall, who: who(stall.to - stall.from) })),
    },
  };
}

/** The keys that chance does not explain, largest lift first. */
export function overRepresented(
  keys: readonly KeyCount[],
  messages: number,
  range: Pick<KeyCounts, 'messages' | 'keys'>,
): Culprit[] {
  const rest = range.messages - messages;
  if (rest <= 0) return [];
  const chance = Math.log(falseAlarms / Math.max(1, range.keys));
  return keys
    .map(({ key, count, total, before, atMost }) => {
      const share = count / messages;
      const outside = total - count;
      const lift = share / (Math.max(outside, 0.5) / rest);
      const bounds =
        atMost === undefined ? { exact: true } : { exact: false, atLeast: count, atMost };
      return { key, count, total, share, baselineShare: outside / rest, lift, before, ...bounds };
    })
    .filter(
      ({ count, total, share, baselineShare }) =>
        count >= leastCount &&
        share - baselineShare >= leastExcess &&
        logTail(count, total, messages, range.messages) <= chance,
    )
    .sort((a, b) => b.lift - a.lift || b.count - a.count)
    .map(({ total: _, ...culprit }) => culprit);
}

/** @param unseen messages of the burst that were not counted by key */
function boundedBy(unseen: number): (culprit: Culprit) => Culprit {
  if (unseen === 0) return (culprit) => culprit;
  return (culprit) => ({
    ...culprit,
    exact: false,
    atLeast: culprit.count,
    atMost: (culprit.atMost ?? culprit.count) + unseen,
  });
}

/**
 * The keys whose silence chance does not explain: of `total` messages at random moments none falls
 * into the stall with the chance (1 − part)^total.
 * @param part of the range that the stall is, 0 to 1
 */
function missing(part: number, { messages, keys, frequent }: KeyCounts): Culprit[] {
  const chance = Math.log(falseAlarms / Math.max(1, keys));
  return frequent
    .filter(({ total }) => total * Math.log1p(-part) <= chance)
    .slice(0, mostMissing)
    .map(({ key, total }) => {
      const baselineShare = total / messages;
      return { key, count: 0, share: 0, baselineShare, lift: 0, exact: true };
    });
}

/**
 * The natural logarithm of the chance that a hypergeometric number is `least` or more: so many of
 * `marked` are among `drawn`, which are drawn from `all`.
 */
export function logTail(least: number, marked: number, drawn: number, all: number): number {
  if (least <= Math.max(0, drawn + marked - all)) return 0;
  const most = Math.min(marked, drawn);
  if (least > most) return Number.NEGATIVE_INFINITY;
  const first =
    logChoose(marked, least) + logChoose(all - marked, drawn - least) - logChoose(all, drawn);
  // The others, in units of the first; they fall ever faster.
  let term = 1;
  let sum = 1;
  for (let count = least; count < most && term > sum * Number.EPSILON; count++) {
    const odds = (marked - count) / (count + 1);
    term *= odds * ((drawn - count) / (all - marked - drawn + count + 1));
    sum += term;
  }
  return Math.min(0, first + Math.log(sum));
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** ln n!: summed for small n, by Stirling's series for others, to 1e-10. */
function logFactorial(n: number): number {
  if (n < 16) {
    let log = 0;
    for (let factor = 2; factor <= n; factor++) log += Math.log(factor);
    return log;
  }
  const series = 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1_260 * n ** 5);
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series;
}
