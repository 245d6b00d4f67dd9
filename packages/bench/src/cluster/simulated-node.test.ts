import { encodeMessage } from '@reto3/cluster';
import { decodeMessage } from '@reto3/cluster/src/message.ts';
import { totalOfSecond } from '@reto3/cluster/src/second.ts';
import { describe, expect, it } from 'vitest';
import { publishAfterMs, Seconds, SimulatedNode } from './simulated-node.ts';

const begin = 1_464_433_860_000;
const minuteMs = 60_000;

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

  it('publishes a past minute in one message', () => {
    const seconds = new Seconds(5_000);
    const node = new SimulatedNode(0, 1, seconds, begin);
    const message = said(node, node.minute(begin));
    expect(message.seconds).toHaveLength(60);
    expect(message.mark).toBe(begin + minuteMs);
    for (const { start, packed } of message.seconds)
      expect(totalOfSecond(packed)).toBe(seconds.total(0, start));
  });
});
