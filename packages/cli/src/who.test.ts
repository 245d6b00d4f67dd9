import type { Bursts } from '@reto3/client/answers';
import { expect, it } from 'vitest';
import { whoLines } from './who.ts';

it('a key is one short cell, whatever the client sent', () => {
  const from = Date.UTC(2016, 4, 28);
  const culprit = { count: 5, share: 0.5, baselineShare: 0, lift: 9, before: 0, exact: true };
  const keys = [`/${'x'.repeat(20_000)}`, '/a\tb\n\x1b[2J'];
  const who = keys.map((key) => ({ key, ...culprit }));
  const list = [{ from, to: from + 10, peak: 9, total: 10, share: 1, who }];
  const bursts: Bursts['bursts'] = { count: 1, messages: 10, share: 1, list };
  const stalls = { count: 0, ms: 0, list: [] };
  const lines = whoLines({ bursts, stalls } as unknown as Bursts, 'path');
  expect(lines.every((line) => line.length < 200)).toBe(true);
  expect(lines.join('\n')).toContain(`/${'x'.repeat(99)}…`);
  expect(lines.join('\n')).toContain('/a\\tb\\n\\x1b[2J');
});
