/** Random lives of nodes and the delivery of their messages, for property tests. */
import { allocateWindows, ms10PerSecond, sec, type Windows } from '@reto3/core';
import fc from 'fast-check';
import type { NodeMessage } from '../message.ts';
import { packSecond } from '../second.ts';

export const startMs = Date.UTC(2016, 4, 28, 11, 10, 57);
export const now = { wallMs: startMs, monotonicMs: 0 };
export const secondsInPlay = 6;

export interface Delivery {
  readonly node: string;
  readonly message: NodeMessage;
}

function windowsOf(counts: readonly number[], countedTo: number): Windows {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1, 0, countedTo);
  for (const [index, count] of counts.entries())
    if (index < countedTo) windows.counts[index] = count;
  return windows;
}

/**
 * A node counts, publishes, is killed and returns with less. `store` is what it has at the end. A
 * message holds what the store had at that write.
 */
const life = (node: string) =>
  fc
    .array(
      fc.record({
        second: fc.integer({ min: 0, max: secondsInPlay - 1 }),
        counts: fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 4 }),
        countedTo: fc.integer({ min: 1, max: ms10PerSecond }),
        restart: fc.option(fc.integer({ min: 0, max: secondsInPlay }), { nil: undefined, freq: 3 }),
        publish: fc.boolean(),
      }),
      { maxLength: 12 },
    )
    .map((steps) => {
      const deliveries: Delivery[] = [];
      const store = new Map<number, Windows>();
      let boot = 1;
      let revision = 0;
      let vouchedFrom = startMs;
      const publish = (starts: readonly number[]): void => {
        const seconds = starts.flatMap((start) => {
          const windows = store.get(start);
          return windows === undefined ? [] : [{ start, packed: packSecond(windows) }];
        });
        const message = { boot, revision, vouchedFrom, mark: startMs, clock: startMs };
        deliveries.push({ node, message: { ...message, leaving: false, seconds } });
      };
      const sorted = (): number[] => [...store.keys()].sort((a, b) => a - b);
      for (const step of steps) {
        if (step.restart === undefined) {
          const start = startMs + step.second * sec.windowMs;
          store.set(start, windowsOf(step.counts, step.countedTo));
          revision++;
          if (step.publish) publish([start]);
        } else {
          // A new boot lost everything from then on, and numbers its writes from less.
          vouchedFrom = startMs + step.restart * sec.windowMs;
          for (const start of sorted()) if (start >= vouchedFrom) store.delete(start);
          boot++;
          revision = Math.max(0, revision - 3);
          publish(sorted().filter((start) => start >= vouchedFrom));
        }
      }
      revision++;
      // Publishes everything at the end.
      publish(sorted());
      return { deliveries, store };
    });

const lives = fc.tuple(life('a'), life('b'), life('c'));

/** In any order, some more than once. */
function shuffled(deliveries: readonly Delivery[]): fc.Arbitrary<Delivery[]> {
  return fc.array(fc.constantFrom(...deliveries), { maxLength: 10 }).chain((again) =>
    fc.shuffledSubarray([...deliveries, ...again], {
      minLength: deliveries.length + again.length,
    }),
  );
}

/** Nodes, and their messages in the order of delivery. */
export const delivered = lives.chain((nodes) =>
  fc.tuple(fc.constant(nodes), shuffled(nodes.flatMap(({ deliveries }) => deliveries))),
);
