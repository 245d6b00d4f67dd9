import { expect, test, vi } from 'vitest';
import { runDirectly } from './direct.ts';

test('reto3 --version says which build of uWebSockets.js would run', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await runDirectly(['--version'])).toBe(true);
  expect(write.mock.calls).toEqual([
    [
      expect.stringMatching(
        /^reto3\/\d+\.\d+\.\d+ \S+ node-v\d\S+ uWebSockets\.js-20\.\d+\.\S+ \((?:newer|older) build\)\n$/,
      ),
    ],
  ]);
  write.mockRestore();
});
