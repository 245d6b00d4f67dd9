import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FluidQueue } from './queue.ts';

/** Parts of a window; the simulation is exact to one part of a wait and of a busy time. */
const steps = 400;
const stepMs = 10 / steps;
const binWidth = 2 ** (1 / 16);

const counts = fc.array(fc.option(fc.nat(40), { nil: undefined, freq: 6 }), {
  minLength: 1,
  maxLength: 25,
});

it('has the backlog and the waits of a simulation in small steps', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 100, max: 4_000 }), (given, rate) => {
      const queue = new FluidQueue(rate);
      for (const [index, count] of given.entries())
        if (count !== undefined) queue.add(index * 10, count);
      const { backlog, wait } = queue.summary();

      const perMs = rate / 1_000;
      const waits: { readonly ms: number; readonly messages: number }[] = [];
      let [level, most, all] = [0, 0, 0];
      for (const count of given) {
        for (let step = 0; step < steps; step++) {
          const came = (count ?? 0) / steps;
          const next = Math.max(0, level + came - perMs * stepMs);
          if (came > 0) waits.push({ ms: (level + next) / 2 / perMs, messages: came });
          level = next;
          most = Math.max(most, level);
        }
        all += count ?? 0;
      }
      expect(backlog.max).toBeCloseTo(most, 6);
      expect(wait.max).toBeCloseTo(most / perMs, 3);
      if (all === 0) return;
      const sum = waits.reduce((total, { ms, messages }) => total + ms * messages, 0);
      expect(Math.abs(wait.mean - sum / all)).toBeLessThan(stepMs * (1 + 40 / (perMs * 10)));
      waits.sort((a, b) => a.ms - b.ms);
      for (const [share, quantile] of [
        [0.5, wait.p50],
        [0.99, wait.p99],
      ] as const) {
        // Waits around the quantile, since the simulation has steps.
        const at = (wanted: number): number => {
          let below = 0;
          for (const { ms, messages } of waits) {
            below += messages;
            if (below >= wanted * all) return ms;
          }
          return waits.at(-1)?.ms ?? 0;
        };
        const [low, high] = [at(share - 0.005), at(Math.min(1, share + 0.005))];
        expect(quantile).toBeGreaterThanOrEqual(low - 2 * stepMs - 1e-9);
        expect(quantile).toBeLessThanOrEqual((high + 2 * stepMs) * binWidth + 0.1);
      }
    }),
    { numRuns: 60 },
  );
});
