/**
 * Counts messages by a key from a keyed report, such as `by:path`, in a range and in stretches of it:
 * who was behind a burst, without an archive. The report keeps bounds, so each count is at least and
 * at most something; whoever judges by them takes the bound that speaks against a surplus.
 */
import { alignDown, alignUp, type PeriodName, periodNames, periods } from '@reto3/core';
import { beforeMs, type CountKeys, type KeyCounts, type KeyStretch } from '@reto3/engine';
import type { Report } from './contract.ts';
import { noKey, otherKey } from './keyed.ts';
import type { ReportWindows } from './reading.ts';

/** Counts of one key. */
interface Bounds {
  readonly atLeast: number;
  readonly atMost: number;
}

/** What the report has of one stretch of time. */
interface Counted {
  readonly messages: number;
  /** Largest first. */
  readonly keys: ReadonlyMap<string, Bounds>;
  /** A key that is not among them has at most so many. */
  readonly unlisted: number;
}

/**
 * @param report with a key and without columns of its own
 * @param open its windows of a period
 */
export function countKeysOf(
  report: Report,
  open: (period: PeriodName) => Promise<ReportWindows>,
): CountKeys {
  return async (range, stretches): Promise<KeyCounts> => {
    const all = await countedIn(report, open, range);
    const { messages, keys, unlisted } = all;
    const totalOf = (key: string, atLeast: number): number =>
      Math.max(keys.get(key)?.atMost ?? unlisted, atLeast);
    const counted: KeyCounts['stretches'][number][] = [];
    for (const stretch of stretches) {
      const inside = await countedIn(report, open, stretch);
      const before = await countedIn(report, open, {
        from: Math.max(range.from, stretch.from - beforeMs),
        to: stretch.from,
      });
      counted.push({
        messages: inside.messages,
        keys: [...inside.keys].map(([key, { atLeast, atMost }]) => ({
          ...{ key, count: atLeast, atMost, total: totalOf(key, atLeast) },
          before: before.keys.get(key)?.atLeast ?? 0,
        })),
      });
    }
    return {
      messages,
      // Unlisted keys are not counted: each may be of another message.
      keys: unlisted === 0 ? keys.size : messages,
      frequent: [...keys].map(([key, { atLeast }]) => ({ key, total: atLeast })),
      stretches: counted,
    };
  };
}

async function countedIn(
  report: Report,
  open: (period: PeriodName) => Promise<ReportWindows>,
  stretch: KeyStretch,
): Promise<Counted> {
  let merged = report.create();
  for (const { period, from, to } of partsOf(stretch, report.periods)) {
    const view = await open(period);
    try {
      // A damaged window has no counts, so the bounds hold for what is left.
      for await (const { bytes } of view.windows({ from, to }, () => undefined))
        merged = report.merge(merged, report.decode(bytes));
    } finally {
      await view.close();
    }
  }
  return countedOf(report, merged);
}

function countedOf(report: Report, merged: unknown): Counted {
  const keys = new Map<string, Bounds>();
  let messages = 0;
  let others = 0;
  for (const { key, count, most } of report.rows(merged)) {
    const atLeast = Number(count);
    messages += atLeast;
    if (key === otherKey) others += atLeast;
    else keys.set(key === noKey ? '' : String(key), { atLeast, atMost: Number(most) });
  }
  // What left the table had no more than anything that stayed.
  const smallest = Math.min(...[...keys.values()].map(({ atMost }) => atMost));
  return { messages, keys, unlisted: others === 0 ? 0 : Math.min(others, smallest) };
}

interface Part extends KeyStretch {
  readonly period: PeriodName;
}

/** The stretch in as few windows as the periods allow: long ones inside, short ones at its ends. */
function partsOf({ from, to }: KeyStretch, kept: readonly PeriodName[]): Part[] {
  const [shortest, ...longer] = periodNames.filter((name) => kept.includes(name));
  if (shortest === undefined || from >= to) return [];
  const [next] = longer;
  if (next === undefined) return [{ period: shortest, from, to }];
  const { windowMs } = periods[next];
  const inner = { from: alignUp(from, windowMs), to: alignDown(to, windowMs) };
  if (inner.from >= inner.to) return [{ period: shortest, from, to }];
  return [
    { period: shortest, from, to: inner.from },
    ...partsOf(inner, longer),
    { period: shortest, from: inner.to, to },
  ].filter((part) => part.from < part.to);
}
