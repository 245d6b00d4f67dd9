import { Parser } from '@oclif/core';
import { expect, test } from 'vitest';
import { didYouMean, unknownFlag } from './did-you-mean.ts';
import { statsFlags } from './flags.ts';
import { oclifFlags } from './oclif-flags.ts';

test.each([
  ['stat', ', did you mean "stats"?'],
  ['expot', ', did you mean "export"?'],
  ['bakcup', ', did you mean "backup"?'],
  ['zzzzzzzz', ''],
  ['frobnicate', ''],
  ['tpo', ', did you mean "top"?'],
  ['ab', ''],
])('%s: %s', (written, guess) => {
  expect(didYouMean(written, ['stats', 'export', 'backup', 'serve', 'top'])).toBe(guess);
});

test('nothing is guessed where there is nothing', () => {
  expect(didYouMean('stats', [])).toBe('');
});

test.each([
  [['--lsat', '5'], 'there is no flag --lsat, did you mean "--last"?'],
  [['--frmo=5m'], 'there is no flag --frmo, did you mean "--from"?'],
  [['--frobnicate'], 'there is no flag --frobnicate'],
  [['--bad'], 'there is no flag --bad'],
])('of %j oclif says: %s', async (args, words) => {
  const refused = await Parser.parse(args, { flags: oclifFlags(statsFlags), args: {} }).catch(
    (error: object) => error,
  );
  expect(unknownFlag(refused)).toBe(words);
});

test('other errors keep their words', () => {
  expect(unknownFlag(new Error('other'))).toBeUndefined();
});
