import { alignDown, type PeriodName, periodNames, periods } from '@reto3/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { builtInReport } from './built-in/built-in.ts';
import { countKeysOf } from './key-counts.ts';
import { newMessage } from './message.ts';
import type { ReportWindows } from './reading.ts';

const start = Date.UTC(2016, 4, 28, 11, 11);
const spanMs = 200_000;

/** A message at a time of whole 10 ms after the start. */
const message = fc.record({ at: fc.nat(spanMs / 10 - 1), key: fc.constantFrom('/a', '/b', '') });
const stretch = fc
  .tuple(fc.nat(spanMs / 10), fc.nat(spanMs / 10))
  .map(([a, b]) => ({ from: start + Math.min(a, b) * 10, to: start + Math.max(a, b) * 10 }));

it('counts each message once, whatever windows a stretch is read from', async () => {
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('there is no such report');
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 80 }), stretch, async (messages, asked) => {
      const windowsOf = new Map(periodNames.map((name) => [name, new Map<number, unknown>()]));
      for (const { at, key } of messages)
        for (const [name, held] of windowsOf) {
          const window = alignDown(start + at * 10, periods[name].windowMs);
          const accumulator = held.get(window) ?? report.create();
          report.add(accumulator, newMessage({ path: key }));
          held.set(window, accumulator);
        }
      const open = async (period: PeriodName): Promise<ReportWindows> => ({
        finalThrough: 0,
        newestEnd: async () => 0,
        close: async () => undefined,
        async *windows({ from, to }) {
          for (const [window, held] of windowsOf.get(period) ?? [])
            if (window >= from && window < to) yield { start: window, bytes: report.encode(held) };
        },
      });
      const range = { from: start, to: start + spanMs };
      const found = await countKeysOf(report, open)(range, [asked]);
      const countIn = (from: number, to: number, key?: string): number =>
        messages.filter(
          ({ at, key: own }) =>
            start + at * 10 >= from && start + at * 10 < to && (key ?? own) === own,
        ).length;
      expect(found.messages).toBe(messages.length);
      const [inside] = found.stretches;
      expect(inside?.messages).toBe(countIn(asked.from, asked.to));
      for (const { key, count, atMost, total, before } of inside?.keys ?? []) {
        const times = countIn(asked.from, asked.to, key);
        expect([count, atMost]).toEqual([times, times]);
        expect(total).toBe(countIn(range.from, range.to, key));
        expect(before).toBe(countIn(Math.max(range.from, asked.from - 10_000), asked.from, key));
      }
    }),
    { numRuns: 60 },
  );
});
