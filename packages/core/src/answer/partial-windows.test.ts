import { expect, it } from 'vitest';
import { endMark, endRecord } from './damage-text.ts';
import { PartialWindows } from './partial-windows.ts';

it('the end record lists the first 100 partial windows, and counts all', () => {
  const windows = new PartialWindows();
  const starts = Array.from({ length: 1_000 }, (_, index) => index * 1_000);
  for (const start of starts) windows.add(start);
  const text = endRecord([], windows);
  expect(text).toMatch(new RegExp(`^${endMark}.*\\n$`));
  expect(JSON.parse(text.slice(1))).toEqual({
    ...{ damaged: [], damagedPlaces: 0 },
    ...{ partial: starts.slice(0, 100), partialWindows: 1_000 },
  });
});
