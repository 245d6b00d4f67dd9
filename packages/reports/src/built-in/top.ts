/**
 * The busiest paths, in bounded memory: a Misra-Gries summary of at most 200 paths in each window.
 *
 * A path that is in the summary came at least `count` and at most `count + error` times; one that
 * is not in it came at most `error` times. `error` is never more than messages ÷ 201, however many
 * workers and nodes the summary was merged from. (J. Misra, D. Gries: Finding Repeated Elements,
 * 1982; the merge and its bound: P. K. Agarwal, G. Cormode et al.: Mergeable Summaries, PODS 2012.)
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { defineReport, type Message } from '../contract.ts';

const mostPaths = 200;
/**
 * Longer ones are cut, and counted together with others that begin alike. In UTF-8 at most 300
 * bytes, so that 200 of them fit into the 64 KiB of an accumulator whoever chooses them.
 */
const mostPathChars = 100;
/** So many of the paths are shown. */
const shownPaths = 20;

interface Top {
  messages: number;
  /** By how much any count may be too small. */
  error: number;
  readonly counts: Map<string, number>;
}

export const top = defineReport({
  name: 'top',
  summary: 'The busiest paths, each count with its bounds',
  needs: 'head',
  periods: ['min'],
  columns: {
    path: `the path without its query, cut after ${mostPathChars} characters`,
    count: 'messages that asked for it, at least',
    most: `messages that asked for it, at most: count and no more than 1/${mostPaths + 1} of all messages`,
  },
  create: (): Top => ({ messages: 0, error: 0, counts: new Map() }),
  add(top, message) {
    top.messages++;
    const path = pathOf(message);
    const count = top.counts.get(path);
    if (count !== undefined) top.counts.set(path, count + 1);
    else if (top.counts.size < mostPaths) top.counts.set(path, 1);
    else subtract(top, 1);
  },
  merge(top, other) {
    top.messages += other.messages;
    top.error += other.error;
    for (const [path, count] of other.counts)
      top.counts.set(path, (top.counts.get(path) ?? 0) + count);
    // The 201st largest is taken off all of them: that many, and at most 200 of them are left.
    const [firstTooMany] = [...top.counts.values()].sort((a, b) => b - a).slice(mostPaths);
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
    for (const message of messages)
      truth.set(pathOf(message), (truth.get(pathOf(message)) ?? 0) + 1);
    const holds = ([path, count]: readonly [string, number]): boolean => {
      const counted = top.counts.get(path) ?? 0;
      return counted <= count && count <= counted + top.error;
    };
    return (
      top.messages === messages.length &&
      top.counts.size <= mostPaths &&
      top.error * (mostPaths + 1) <= messages.length &&
      [...top.counts.keys()].every((path) => truth.has(path)) &&
      [...truth].every(holds)
    );
  },
});

function pathOf({ path }: Message): string {
  if (path.length <= mostPathChars) return path;
  // Half a character could not be written down.
  const cut = path.slice(0, mostPathChars);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

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
