/** Reads the three periods of a range, and compares two servers' answers to the same query. */

import type { TimeRange } from '@reto3/bench/src/day/store.ts';
import type { Stats } from '@reto3/client/answers';
import { askStats } from '../../support/api.ts';

const periodNames = ['ms10', 'sec', 'min'] as const;
type PeriodName = (typeof periodNames)[number];

/** The answer for each period; undefined if the server refused. */
export type Answers = Readonly<Record<PeriodName, Stats | undefined>>;

/** All windows that begin within the ranges. */
export async function readAnswers(adminUrl: string, range: TimeRange): Promise<Answers> {
  const read = async (period: PeriodName): Promise<Stats | undefined> => {
    const query = `from=${range.from}&to=${range.to}&open=true`;
    try {
      return await askStats(adminUrl, period, query);
    } catch (error) {
      if (error instanceof Error && error.message.includes('RETO3_')) return undefined;
      throw error;
    }
  };
  return { ms10: await read('ms10'), sec: await read('sec'), min: await read('min') };
}

export interface Difference {
  readonly period: PeriodName;
  /** Start of the window, epoch ms. */
  readonly start: number;
  readonly windowMs: number;
  readonly got: number | undefined;
  readonly want: number | undefined;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Whether the answer reports damage. */
  readonly reported: boolean;
}

/** The wrong windows, except those that the answer reports as damaged. */
export function compare(got: Answers, want: Answers): Comparison {
  let reported = false;
  const differences: Difference[] = [];
  for (const period of periodNames) {
    const answer = got[period];
    const truth = want[period];
    if (truth === undefined) throw new Error(`got no ${period} from the undamaged folder`);
    reported ||= answer === undefined || answer.damaged.length > 0;
    if (answer === undefined || sameColumns(answer, truth)) continue;
    differences.push(...differencesOf(period, answer, truth));
  }
  return { differences, reported };
}

function differencesOf(period: PeriodName, answer: Stats, truth: Stats): Difference[] {
  const { windowMs } = truth;
  const wanted = new Map(truth.starts.map((start, index) => [start, truth.counts[index]]));
  const found: Difference[] = [];
  for (const [index, start] of answer.starts.entries()) {
    const [got, want] = [answer.counts[index], wanted.get(start)];
    if (got !== want) found.push({ period, start, windowMs, got, want });
    wanted.delete(start);
  }
  for (const [start, want] of wanted) found.push({ period, start, windowMs, got: undefined, want });
  return found.filter(
    ({ start }) => !answer.damaged.some(({ from, to }) => start >= from && start < to),
  );
}

function sameColumns(one: Stats, other: Stats): boolean {
  return (
    one.starts.length === other.starts.length &&
    one.starts.every((start, index) => start === other.starts[index]) &&
    one.counts.every((count, index) => count === other.counts[index])
  );
}
