import { expect, it } from 'vitest';
import { damagedOf, damagedTrailer, endMark, endRecord } from './damage-text.ts';

const placesOf = (length: number, reason: string) =>
  Array.from({ length }, (_, index) => {
    const from = Date.UTC(2016, 4, 28) + index * 120_000;
    return { series: 'ms10', from, to: from + 60_000, reason } as const;
  });

it('names the first 100 of 210 damaged places, and counts each once', () => {
  const places = placesOf(210, 'its checksum does not match');
  const { damaged, damagedPlaces } = damagedOf([...places, ...places]);
  expect(damagedPlaces).toBe(210);
  expect(damaged).toHaveLength(100);
  expect(damaged[0]).toEqual({
    from: places[0]?.from,
    to: places[0]?.to,
    reason: 'its checksum does not match',
  });
});

it.each([
  ['plain', 'its checksum does not match', 10],
  ['not ASCII', 'café \x7f \u{1f600}', 10],
  ['endless and not ASCII', 'é'.repeat(5_000), 2],
])('keeps a trailer short where the reasons are %s', (_, reason, fitting) => {
  const text = damagedTrailer(placesOf(210, reason));
  expect(text).toMatch(/^[ -~]+$/);
  expect(text.length).toBeLessThanOrEqual(3_000);
  const places = JSON.parse(text);
  expect(places).toHaveLength(fitting);
  expect(places[0].reason).toBe(reason.slice(0, 200));
});

it('ends an answer with one line of bounded size', () => {
  const text = endRecord(placesOf(5_000, '\0'.repeat(5_000)));
  expect(text.startsWith(`${endMark}{`)).toBe(true);
  expect(text).toMatch(/"damagedPlaces":5000\}\n$/);
  expect(Buffer.byteLength(text)).toBeLessThan(150_000);
});
