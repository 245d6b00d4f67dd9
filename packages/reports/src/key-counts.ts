/**
 * Counts messages by key from a keyed report such as `by:path`, in a range and in stretches of it.
 * So `bursts --who` works without an archive.
 *
 * The report keeps bounds. `count` is the lower bound and `total` the upper one, so a surplus in a
 * stretch is never overstated.
 */
import { alignDown, alignUp, type PeriodName, periodNames, periods } from '@reto3/core';
import { beforeMs, type CountKeys, type KeyCounts, type KeyStretch } from '@reto3/engine';
import type { Report } from './contract.ts';
import { noKey, otherKey } from './keyed.ts';
import type { ReportWindows } from './reading.ts';

/** Bounds for the messages of one key. */
interface Bounds {
  readonly atLeast: number;
  readonly atMost: number;
}

/** The counts of one stretch of time. */
interface Counted {
  readonly messages: number;
  /** Largest first. */
  readonly keys: ReadonlyMap<string, Bounds>;
  /** The upper bound for any other key. */
  readonly unlisted: number;
}

/**
 * @param report one with a key and without columns of its own
 * @param open opens its windows of a period
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
      // The number of unlisted keys is unknown, but no larger than that of messages.
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
      // Damaged windows are left out, so the bounds hold for the others.
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
  // A key that left the table had no more messages than any that stayed.
  const smallest = Math.min(...[...keys.values()].map(({ atMost }) => atMost));
  return { messages, keys, unlisted: others === 0 ? 0 : Math.min(others, smallest) };
}

interface Part extends KeyStretch {
  readonly period: PeriodName;
}

/**
 * Divides a stretch into as few windows as the periods allow: long ones inside, short ones at the
 * ends.
 */
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
