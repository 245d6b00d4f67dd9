/**
 * The quick form of `npm run hostile`: every malformed case byte by byte and at once, and mutated
 * requests. What the parser is known to take or to refuse wrongly stands in tests/hostile/known.ts;
 * anything else fails.
 */
import { expect, test } from 'vitest';
import { countedAtOnce, inPieces, verdictsInPieces } from './hostile/attacks/corpus.ts';
import { fuzz } from './hostile/attacks/fuzz.ts';
import { corpus } from './hostile/corpus/all.ts';
import { knownOf } from './hostile/known.ts';
import { here } from './hostile/support/target.ts';
import { figure } from './support/figure.ts';

const requests = 10_000;

test('malformed requests are counted as often as they are answered, and as known', async () => {
  const target = await here.start();
  const { seen, difference } = await inPieces(target);
  expect(difference, 'counted otherwise than answered').toBe(0);
  const verdicts = verdictsInPieces(seen);
  const known = knownOf(target.name);
  expect(verdicts['taken although malformed'].sort()).toEqual([...known.taken].sort());
  expect(verdicts['not served'].sort()).toEqual([...known.notServed].sort());
  expect(target.alive()).toBe(true);
});

test('what is refused in one packet was not counted', async () => {
  const target = await here.start();
  // Longer heads are taken or not depending on how they come in packets.
  const malformed = corpus.filter(
    ({ bytes, want }) => bytes.length < 4_000 && want.every((outcome) => outcome.counted === 0),
  );
  const { answered } = await inPieces(target, malformed);
  expect(await countedAtOnce(target, malformed)).toBeLessThanOrEqual(answered);
});

test(`${requests} mutated requests are counted as often as they are answered`, async () => {
  const seed = Date.now() % 1_000_000_000;
  figure('fuzz: seed', seed);
  const result = await fuzz(await here.start(), seed, requests);
  figure('fuzz: counted', result.counted);
  expect(result).toMatchObject({
    counted: result.answered + result.lost,
    differenceInLines: 0,
    hangs: 0,
    crashed: false,
  });
  expect(result.answered).toBeGreaterThan(requests / 10);
});
