import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Amount, progressText, withProgress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function outputOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, write: (text: string) => written.push(text) > 0 };
}

/** Work of the given length that reports its progress every 100 ms. */
function working(ms: number, fails = false) {
  return async (update: (amount: Amount) => void): Promise<string> => {
    for (let at = 100; at <= ms; at += 100) {
      await vi.advanceTimersByTimeAsync(100);
      update({ bytes: at * 1e4, ofBytes: ms * 1e4 });
    }
    if (fails) throw new Error('failed');
    return 'done';
  };
}

test('a terminal is shown how far it is, and nothing of it stays', async () => {
  const output = outputOf(true);
  expect(await withProgress('writing out.csv', working(2_000), output)).toBe('done');
  expect(output.written).toContain(
    '\r\u001b[Kreto3: writing out.csv, [█████████           ] 45 %, 9.0 of 20.0 MB, 1 s',
  );
  expect(output.written.at(-1)).toBe('\r\u001b[K');
});

test('after a failure the line disappears, and the failure is thrown', async () => {
  const output = outputOf(true);
  await expect(withProgress('writing', working(2_000, true), output)).rejects.toThrow('failed');
  expect(output.written.at(-1)).toBe('\r\u001b[K');
});

test('without a terminal, and for short work, nothing is written', async () => {
  for (const [isTTY, ms] of [
    [false, 2_000],
    [true, 300],
  ] as const) {
    const output = outputOf(isTTY);
    await withProgress('writing', working(ms), output);
    expect(output.written).toEqual([]);
  }
});

test.each([
  [undefined, '3 s'],
  [{ bytes: 1_250_000 }, '1.3 MB, 3 s'],
  [{ bytes: 5e6, ofBytes: 1e7 }, '[██████████          ] 50 %, 5.0 of 10.0 MB, 3 s'],
  [{ bytes: 2e7, ofBytes: 1e7 }, '[████████████████████] 100 %, 20.0 of 10.0 MB, 3 s'],
  [{ bytes: 0, ofBytes: 0 }, '0.0 MB, 3 s'],
])('%j is shown as %s', (amount, text) => {
  expect(progressText(amount, 3_400)).toBe(text);
});

test('shows how many messages were read, how fast, and how long the rest takes', () => {
  expect(progressText({ messages: 12_000_000, ofMessages: 24_000_000 }, 3_000)).toBe(
    '[██████████          ] 50 %, 12.0 of 24.0 M messages, 4.0 M/s, 3 s left',
  );
});
