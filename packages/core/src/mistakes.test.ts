import { expect, it, vi } from 'vitest';
import { Mistakes } from './mistakes.ts';

it('logs each mistake once, with its error, and not more than a hundred', () => {
  const logError = vi.fn();
  const mistakes = new Mistakes({ error: logError });
  const error = new TypeError('x is not a function');
  for (let time = 0; time < 3; time++) mistakes.add(error, 'cannot send live windows');
  const text = 'a bug in reto3: cannot send live windows: x is not a function';
  expect(logError.mock.calls).toEqual([[{ err: error }, text]]);
  mistakes.add(error, 'cannot add a message');
  expect(logError).toHaveBeenCalledTimes(2);
  for (let at = 0; at < 200; at++) mistakes.add(new Error(`at ${at}`), 'cannot add a message');
  expect(logError).toHaveBeenCalledTimes(100);
});
