import { beforeEach, expect, test, vi } from 'vitest';
import { Address, type AddressBar } from './address.ts';

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

/**
 * Behaves like a browser: the address changes at once, and the page is notified in a later task.
 */
class FakeBar implements AddressBar {
  readonly location = { hash: '' };
  readonly written: string[] = [];
  readonly history = {
    replaceState: (_: null, __: '', hash: string): void => {
      this.location.hash = hash;
      this.written.push(hash);
    },
  };
  #changed = (): void => undefined;

  addEventListener(_: 'hashchange', changed: () => void): void {
    this.#changed = changed;
  }

  /** Edits the address as a user would; returns the task that notifies the page. */
  edit(hash: string): () => void {
    this.location.hash = hash;
    return this.#changed;
  }
}

test('a view is written at once, and the last of several in a row', () => {
  const bar = new FakeBar();
  const address = new Address(bar, () => undefined);
  address.write('#live=1000');
  expect(bar.written).toEqual(['#live=1000']);
  for (const span of [2_000, 3_000, 4_000]) address.write(`#live=${span}`);
  expect(bar.written).toEqual(['#live=1000']);
  vi.advanceTimersByTime(300);
  expect(bar.written).toEqual(['#live=1000', '#live=4000']);
});

test('an edited address wins over a view that was about to be written', () => {
  const bar = new FakeBar();
  const followed: string[] = [];
  const address = new Address(bar, (hash) => followed.push(hash));
  address.write('#live=1000');
  address.write('#live=2000');
  const tell = bar.edit('#from=1000&to=2000');
  vi.advanceTimersByTime(1_000);
  expect(bar.location.hash).toBe('#from=1000&to=2000');
  tell();
  expect(followed).toEqual(['#from=1000&to=2000']);
  vi.advanceTimersByTime(1_000);
  expect(bar.location.hash).toBe('#from=1000&to=2000');
});

test('after an edited address, views are written again', () => {
  const bar = new FakeBar();
  const address = new Address(bar, () => address.write('#live=200'));
  bar.edit('#live=1')();
  expect(bar.written).toEqual(['#live=200']);
  expect(address.hash).toBe('#live=200');
});

test('the address changes less than a hundred times in ten seconds', () => {
  const bar = new FakeBar();
  const address = new Address(bar, () => undefined);
  for (let ms = 0; ms < 10_000; ms += 10) {
    address.write(`#live=${1_000 + ms}`);
    vi.advanceTimersByTime(10);
  }
  expect(bar.written.length).toBeLessThan(50);
  expect(bar.written.length).toBeGreaterThan(10);
});
