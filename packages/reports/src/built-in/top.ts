/**
 * The report `top`: the busiest paths, in bounded memory, by a Misra-Gries summary of at most 200
 * paths per window (J. Misra, D. Gries: Finding Repeated Elements, 1982).
 *
 * A path in the summary was requested at least `count` and at most `count + error` times, any other
 * at most `error` times. `error` never exceeds messages ÷ 201, from however many parts the summary
 * was merged (P. K. Agarwal, G. Cormode et al.: Mergeable Summaries, PODS 2012).
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { whole } from '../columns.ts';
import { defineReport } from '../define-report.ts';
import { mostKeyChars, shortKey } from '../frequent-keys.ts';

const maxPaths = 200;
const shownPaths = 20;

interface Top {
  messages: number;
  /** The most that any count may be too small. */
  error: number;
  readonly counts: Map<string, number>;
}

export const top = defineReport({
  name: 'top',
  summary: 'The busiest paths, with bounds for each count',
  needs: 'head',
  periods: ['min'],
  columns: {
    path: {
      type: 'text',
      description: `path without query, cut after ${mostKeyChars} characters`,
    },
    count: whole('requests for it, at least'),
    most: whole(`requests for it, at most: count plus up to 1/${maxPaths + 1} of all messages`),
  },
  create: (): Top => ({ messages: 0, error: 0, counts: new Map() }),
  add(top, message) {
    top.messages++;
    const path = shortKey(message.path);
    const count = top.counts.get(path);
    if (count !== undefined) top.counts.set(path, count + 1);
    else if (top.counts.size < maxPaths) top.counts.set(path, 1);
    else subtract(top, 1);
  },
  merge(top, other) {
    top.messages += other.messages;
    top.error += other.error;
    for (const [path, count] of other.counts)
      top.counts.set(path, (top.counts.get(path) ?? 0) + count);
    // Subtracting the 201st largest count from all of them leaves at most 200 paths.
    const [firstTooMany] = [...top.counts.values()].sort((a, b) => b - a).slice(maxPaths);
    if (firstTooMany !== undefined) subtract(top, firstTooMany);
    return top;
  },
  rows: ({ counts, error }) =>
    busiestFirst(counts)
      .slice(0, shownPaths)
      .map(([path, count]) => ({ path, count, most: count + error })),
  encode({ messages, error, counts }) {
    const writer = new VarintWriter().number(messages).number(error);
    for (const [path, count] of busiestFirst(counts)) writer.bytes(Buffer.from(path)).number(count);
    return writer.end();
  },
  decode(bytes) {
    const reader = new VarintReader(bytes);
    const [messages, error] = [reader.number(), reader.number()];
    const counts = new Map<string, number>();
    while (reader.more) counts.set(Buffer.from(reader.bytes()).toString(), reader.number());
    return { messages, error, counts };
  },
  agrees(top, messages) {
    const truth = new Map<string, number>();
    for (const message of messages) {
      const path = shortKey(message.path);
      truth.set(path, (truth.get(path) ?? 0) + 1);
    }
    const holds = ([path, count]: readonly [string, number]): boolean => {
      const counted = top.counts.get(path) ?? 0;
      return counted <= count && count <= counted + top.error;
    };
    return (
      top.messages === messages.length &&
      top.counts.size <= maxPaths &&
      top.error * (maxPaths + 1) <= messages.length &&
      [...top.counts.keys()].every((path) => truth.has(path)) &&
      [...truth].every(holds)
    );
  },
});

function subtract(top: Top, amount: number): void {
  top.error += amount;
  for (const [path, count] of top.counts) {
    if (count <= amount) top.counts.delete(path);
    else top.counts.set(path, count - amount);
  }
}

function busiestFirst(counts: ReadonlyMap<string, number>): [path: string, count: number][] {
  return [...counts].sort(([a, many], [b, others]) => others - many || (a < b ? -1 : 1));
}
