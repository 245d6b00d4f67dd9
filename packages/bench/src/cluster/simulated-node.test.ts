import { encodeMessage } from '@reto3/cluster';
import { decodeMessage } from '@reto3/cluster/src/message.ts';
import { decodeDigests, decodeRows, encodeRequest } from '@reto3/cluster/src/read-message.ts';
import { totalOfSecond } from '@reto3/cluster/src/second.ts';
import { describe, expect, it } from 'vitest';
import { publishAfterMs, Seconds, SimulatedNode } from './simulated-node.ts';

const begin = 1_464_433_860_000;
const minuteMs = 60_000;

/** What node 3 counts in that minute. */
function sumOf(seconds: Seconds, minute: number): number {
  let sum = 0;
  for (let start = minute; start < minute + minuteMs; start += 1_000)
    sum += seconds.total(3, start);
  return sum;
}

/** A node's message, encoded and decoded. */
function said(node: SimulatedNode, message: ReturnType<SimulatedNode['live']>) {
  return decodeMessage(encodeMessage(message, node.name), node.name);
}

describe('SimulatedNode', () => {
  it('publishes each second completely in the end, and never more than that before', () => {
    const seconds = new Seconds(5_000);
    const node = new SimulatedNode(3, 10, seconds, begin);
    const totals = new Map<number, number>();
    let mark = 0;
    for (let second = begin; second < begin + 5_000; second += 1_000) {
      for (const afterMs of publishAfterMs) {
        const message = said(node, node.live(second, afterMs + node.phaseMs));
        expect(message.mark).toBeGreaterThanOrEqual(mark);
        mark = message.mark;
        for (const { start, packed } of message.seconds) {
          expect(totalOfSecond(packed)).toBeGreaterThanOrEqual(totals.get(start) ?? 0);
          totals.set(start, totalOfSecond(packed));
        }
      }
    }
    const whole = [...totals].slice(0, 4);
    expect(whole.map(([start]) => start)).toEqual([0, 1, 2, 3].map((at) => begin + at * 1_000));
    for (const [start, total] of whole) {
      expect(total).toBe(seconds.total(3, start));
      expect(Math.abs(total - 5_000)).toBeLessThan(500);
    }
  });

  it('answers a merger with what it counted, under its own name', async () => {
    const seconds = new Seconds(5_000);
    const to = begin + 20 * minuteMs;
    const node = new SimulatedNode(3, 10, seconds, begin, () => to + 1_500);
    const ask = async (of: 'minutes' | 'counts', from: number) =>
      node.answer(encodeRequest({ of, from, to }));

    const { digests, next } = decodeDigests(await ask('minutes', 0));
    expect(next).toBeUndefined();
    expect(digests.map(({ start }) => start)).toEqual(
      Array.from({ length: 20 }, (_, minute) => begin + minute * minuteMs),
    );
    for (const { start, total } of digests) expect(total).toBe(sumOf(seconds, start));

    const read: number[] = [];
    for (let from: number | undefined = begin; from !== undefined; ) {
      const rows = decodeRows(await ask('counts', from));
      const message = decodeMessage(rows.message, node.name);
      expect(message.mark).toBe(rows.next ?? to);
      read.push(...message.seconds.map(({ start }) => start));
      from = rows.next;
    }
    expect(read).toEqual(Array.from({ length: 20 * 60 }, (_, second) => begin + second * 1_000));
  });

  it('answers with nothing of the open second, and no reports', async () => {
    const node = new SimulatedNode(0, 1, new Seconds(5_000), begin, () => begin + 2_999);
    for (const [of, seconds] of [
      ['counts', [0, 1_000]],
      ['reports', []],
    ] as const) {
      const request = encodeRequest({ of, from: 0, to: begin + minuteMs });
      const { message, next } = decodeRows(await node.answer(request));
      const { seconds: read, mark } = decodeMessage(message, node.name);
      expect(next).toBeUndefined();
      expect(mark).toBe(begin + 2_000);
      expect(read.map(({ start }) => start - begin)).toEqual(seconds);
    }
  });
});
