import { afterEach, expect, test, vi } from 'vitest';
import { kept } from './storage.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

test('a value is stored, and deleted by undefined', () => {
  const stored = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  kept.set('theme', 'dark');
  expect([kept.get('theme'), stored.get('theme')]).toEqual(['dark', 'dark']);
  kept.set('theme', undefined);
  expect([kept.get('theme'), stored.size]).toEqual([undefined, 0]);
});

test('while the browser blocks its storage, a value lives as long as the page', () => {
  const blocked = () => {
    throw new Error('SecurityError');
  };
  vi.stubGlobal('localStorage', { getItem: blocked, setItem: blocked, removeItem: blocked });
  expect(kept.get('theme')).toBeUndefined();
  kept.set('theme', 'dark');
  expect(kept.get('theme')).toBe('dark');
  kept.set('theme', undefined);
  expect(kept.get('theme')).toBeUndefined();
});
