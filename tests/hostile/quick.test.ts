/**
 * The short form of `npm run hostile`: every malformed case byte by byte and in one packet, and
 * mutated requests. Any deviation that tests/hostile/known.ts does not list fails.
 */
import { describe, expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { atOnce, inPieces, servedCases, verdictsInPieces } from './attacks/corpus.ts';
import { fuzz } from './attacks/fuzz.ts';
import { corpus } from './corpus/all.ts';
import { knownOf } from './known.ts';
import { here, nodeEngine } from './support/target.ts';

const requests = 10_000;

const servers = [
  ['--ack memory', here, 'memory'],
  ['--ack durable', here, 'durable'],
  ['--http node --ack memory', nodeEngine, 'memory'],
  ['--http node --ack durable', nodeEngine, 'durable'],
] as const;

describe.each(servers)('%s', (_, kind, ack) => {
  test('malformed requests count as often as they are answered, with only the known deviations', async () => {
    const target = await kind.start({ ack });
    const { seen, difference } = await inPieces(target);
    expect(difference, 'counted otherwise than answered').toBe(0);
    const cases = servedCases(target);
    const verdicts = verdictsInPieces(seen, cases);
    const known = knownOf(target.name);
    const ofCases = (names: readonly string[]): string[] =>
      names.filter((name) => cases.some((item) => item.name === name)).sort();
    // A server that closes pipelines may also close a case that it takes for two messages.
    if (target.pipelines)
      expect(verdicts['taken although malformed'].sort()).toEqual(ofCases(known.taken));
    else
      expect(ofCases(known.taken)).toEqual(
        expect.arrayContaining(verdicts['taken although malformed']),
      );
    // It also closes a message with more bytes behind it in its packet, and packets may merge on
    // their way: a busy client sends faster than the server reads.
    const sharesItsPacket = new Set(
      cases
        .filter(({ want }) => want.some(({ counted, end }) => counted > 0 && end !== 'open'))
        .map(({ name }) => name),
    );
    const isSure = (name: string): boolean => target.pipelines || !sharesItsPacket.has(name);
    expect(verdicts['not served'].filter(isSure).sort()).toEqual(
      ofCases(known.notServed).filter(isSure),
    );
    expect(target.alive()).toBe(true);
  });

  test('a case refused in one packet is not counted', async () => {
    const target = await kind.start({ ack });
    // Whether a longer head is accepted depends on how it is split into packets.
    const malformed = corpus.filter(
      ({ bytes, want }) => bytes.length < 4_000 && want.every((outcome) => outcome.counted === 0),
    );
    const { answered } = await inPieces(target, malformed);
    expect((await atOnce(target, malformed)).counted).toBeLessThanOrEqual(answered);
  });

  test(`${requests} mutated requests count as often as they are answered`, async () => {
    const seed = Date.now() % 1_000_000_000;
    figure('fuzz: seed', seed);
    const result = await fuzz(await kind.start({ ack }), seed, requests);
    figure('fuzz: counted', result.counted);
    expect(result).toMatchObject({
      counted: result.answered + result.lost,
      differenceInLines: 0,
      hangs: 0,
      crashed: false,
    });
    if (ack === 'durable') expect(result.lost).toBe(0);
    expect(result.answered).toBeGreaterThan(requests / 10);
  });
});

// uWebSockets.js in memory mode closes a refused connection before it sends the packet's answers.
test.each([
  ['--ack durable', here, 'durable'],
  ['--http node --ack memory', nodeEngine, 'memory'],
  ['--http node --ack durable', nodeEngine, 'durable'],
] as const)('%s: what is counted in one packet is answered', async (_, kind, ack) => {
  const { answered, counted } = await atOnce(await kind.start({ ack }), corpus);
  expect(counted).toBe(answered);
});
