/** Seeded bursts with a culprit among 200 keys, counted by a real keyed report. */
import { alignDown, type PeriodName, periodNames, periods } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { nameCulprits } from '@reto3/engine';
import { findBursts } from '@reto3/engine/src/analysis/bursts.ts';
import { seriesOf, seriesStart } from '@reto3/engine/src/testing/virtual-series.ts';
import { expect, it } from 'vitest';
import { builtInReport } from './built-in/built-in.ts';
import { countKeysOf } from './key-counts.ts';
import { newMessage } from './message.ts';
import type { ReportWindows } from './reading.ts';

const seconds = 8;
const usual = 10;

/**
 * The key named for the largest burst.
 * @param culprit the culprit's share of the burst, 0 for none
 */
async function named(seed: number, culprit: number): Promise<string | undefined> {
  const random = new Random(seed);
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('got no report by:path');
  const counts = new Float64Array(seconds * 100).fill(usual);
  const first = 300 + random.below(100);
  const windows = random.between(3, 50);
  counts.fill(usual * random.between(6, 10), first, first + windows);
  const windowsOf = new Map(periodNames.map((name) => [name, new Map<number, unknown>()]));
  for (const [window, count] of counts.entries()) {
    const start = seriesStart + window * 10;
    const filled = report.create();
    const isBurst = window >= first && window < first + windows;
    for (let message = 0; message < count; message++) {
      const isCulprit = isBurst && random.next() < culprit;
      const path = isCulprit ? '/culprit' : `/page/${random.below(200)}`;
      report.add(filled, newMessage({ arrivedMs: start, path }));
    }
    const encoded = report.encode(filled);
    for (const [name, held] of windowsOf) {
      const at = alignDown(start, periods[name].windowMs);
      held.set(at, report.merge(held.get(at) ?? report.create(), report.decode(encoded)));
    }
  }
  const open = async (period: PeriodName): Promise<ReportWindows> => ({
    finalThrough: 0,
    newestEnd: async () => 0,
    close: async () => undefined,
    async *windows({ from, to }) {
      for (const [start, held] of windowsOf.get(period) ?? [])
        if (start >= from && start < to) yield { start, bytes: report.encode(held) };
    },
  });
  const found = await findBursts(seriesOf(counts), {});
  const { bursts } = await nameCulprits(found, countKeysOf(report, open));
  const [largest] = bursts.list.toSorted((a, b) => b.total - a.total);
  const [who] = largest?.who ?? [];
  if (who !== undefined) expect(who.exact).toBe(false);
  return who?.key;
}

it('names a culprit of 20 to 50 % first in 95 % of 500 bursts', { timeout: 600_000 }, async () => {
  let first = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const share = new Random(seed + 10_000).between(20, 50) / 100;
    if ((await named(seed, share)) === '/culprit') first++;
  }
  expect(first).toBeGreaterThanOrEqual(475);
});

it('names nobody in 99 % of 200 bursts without a culprit', { timeout: 600_000 }, async () => {
  let claimed = 0;
  for (let seed = 1; seed <= 200; seed++) if ((await named(seed, 0)) !== undefined) claimed++;
  expect(claimed).toBeLessThanOrEqual(2);
});
