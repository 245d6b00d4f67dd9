import { allocateWindows, ms10 } from '@reto3/core';
import { expect, it } from 'vitest';
import { MergedMinute } from './merged-minute.ts';

it('has second and minute as revised if a window in its stored block is', () => {
  const block = allocateWindows(ms10.blockWindows);
  block.counted.fill(1);
  block.revised[150] = 1;
  const stored = { part: () => undefined, names: () => [], block: () => block };
  const { sec, min } = new MergedMinute(0, stored, () => undefined);
  expect([...sec.revised].slice(0, 3)).toEqual([0, 1, 0]);
  expect(min.revised[0]).toBe(1);
});
