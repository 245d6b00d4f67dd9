import { expect, test } from 'vitest';
import { didYouMean } from './did-you-mean.ts';

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

test('nothing is guessed if there is nothing to guess from', () => {
  expect(didYouMean('stats', [])).toBe('');
});
