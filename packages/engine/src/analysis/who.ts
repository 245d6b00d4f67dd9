/**
 * Names the keys (paths, clients …) behind a burst, which have a larger share of it than of the
 * rest of the range, and those missing in a stall, which would hardly ever be silent for so long.
 *
 * Chance must name nobody. If the messages of the range were dealt at random, the number of a key's
 * messages in the burst would be hypergeometric. A key is named if its number, or a larger one, has
 * a chance of at most 1 % over all keys together (R. A. Fisher, The Design of Experiments, 1935,
 * 11; Bonferroni's bound), and if its surplus over its usual share is at least a fiftieth of the
 * burst.
 */
import { ms10, Reto3Error } from '@reto3/core';
import type { Bursts } from './bursts.ts';
import { logFactorial } from './log-factorial.ts';

/** The share of bursts without a culprit for which one may be named. */
const falseAlarms = 0.01;
/** The least surplus of a culprit over its usual share, as a share of the burst. */
const leastExcess = 0.02;
/**
 * A key with a smaller share of the burst, or fewer messages, is never named nor needs counting.
 */
export const leastShare = leastExcess;
export const leastCount = 2;
/** How long before a burst its keys are counted. */
export const beforeMs = 10_000;
/** The keys named for a stall, those with the most messages. */
const mostMissing = 20;

/** A field that messages are grouped by. */
export type WhoKey = (typeof fields)[number] | `header:${string}`;

const fields = ['path', 'method', 'status', 'host', 'client'] as const;
const header = /^header:[!#$%&'*+.^_`|~\w-]+$/;

/**
 * The key in a user's text, such as `path` or `header:X-Tenant`.
 * @throws Reto3Error RETO3_BAD_REQUEST
 */
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

/** The messages of a key in a stretch. */
export interface KeyCount {
  readonly key: string;
  /** Messages in the stretch; a lower bound if there is `atMost`. */
  readonly count: number;
  /** The upper bound of `count`; absent if it is exact. */
  readonly atMost?: number;
  /** Messages in the whole range; an upper bound if `count` is not exact. */
  readonly total: number;
  /** Messages in the `beforeMs` before the stretch. */
  readonly before: number;
}

/** The messages of a range by key. */
export interface KeyCounts {
  /** All messages of the range. */
  readonly messages: number;
  /** The number of different keys in the range, or more. */
  readonly keys: number;
  /** The keys with the most messages in the range, largest first. */
  readonly frequent: readonly Pick<KeyCount, 'key' | 'total'>[];
  /**
   * For each stretch, in order, its messages and keys. Keys with less than `leastShare` of them, or
   * fewer than `leastCount`, may be absent.
   */
  readonly stretches: readonly {
    readonly messages: number;
    readonly keys: readonly KeyCount[];
  }[];
}

/** Counts the messages of a range by keys. Stretches do not overlap. */
export type CountKeys = (range: KeyStretch, stretches: readonly KeyStretch[]) => Promise<KeyCounts>;

export interface Culprit {
  readonly key: string;
  /** Its messages in the burst; 0 for a stall. */
  readonly count: number;
  /** Its share of the burst's messages, 0 to 1. */
  readonly share: number;
  /** Its share of the messages in the rest of the range, 0 to 1. */
  readonly baselineShare: number;
  /**
   * Share ÷ baselineShare. A key that occurs only in the burst counts as half a message outside.
   */
  readonly lift: number;
  /** Its messages in the `beforeMs` before the burst; absent for a stall. */
  readonly before?: number;
  /** Whether `count` is exact. */
  readonly exact: boolean;
  /** Bounds of `count`, if it is not exact. */
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

/** Adds `who` to each listed burst and stall. @throws what `countKeys` throws */
export async function nameCulprits(found: Bursts, countKeys: CountKeys): Promise<BurstsWithWho> {
  const { bursts, stalls } = found;
  const counts = await countKeys(found, bursts.list);
  const list = bursts.list.map((burst, index) => {
    const { messages = 0, keys = [] } = counts.stretches[index] ?? {};
    // The worst case for every key: all messages that were not counted by key have other keys.
    const unseen = Math.max(0, burst.total - messages);
    const all = { messages: counts.messages + unseen, keys: counts.keys };
    return { ...burst, who: overRepresented(keys, messages + unseen, all).map(boundedBy(unseen)) };
  });
  const countedMs = found.windows * ms10.windowMs;
  const who = (ms: number): Culprit[] => missing(ms / countedMs, counts);
  return {
    ...found,
    bursts: { ...bursts, list },
    stalls: {
      ...stalls,
      list: stalls.list.map((stall) => ({ ...stall, who: who(stall.to - stall.from) })),
    },
  };
}

/**
 * The keys whose number in a burst chance does not explain, largest lift first.
 * @param keys of the burst
 * @param messages in the burst
 * @param range all messages and different keys of the range
 */
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

/** Widens the bounds by `unseen` messages of the burst that were not counted by key. */
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
 * The keys whose silence chance does not explain: with `total` messages at random times, the chance
 * of none in the stall is (1 − part)^total.
 * @param part the stall's share of the counted time, 0 to 1
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
 * ln P(X ≥ `least`) for a hypergeometric X: how many of `marked` messages are among `drawn` ones
 * drawn at random from `all`.
 */
export function logTail(least: number, marked: number, drawn: number, all: number): number {
  if (least <= Math.max(0, drawn + marked - all)) return 0;
  const most = Math.min(marked, drawn);
  if (least > most) return Number.NEGATIVE_INFINITY;
  const first =
    logChoose(marked, least) + logChoose(all - marked, drawn - least) - logChoose(all, drawn);
  // The terms relative to the first one; they fall ever faster.
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
