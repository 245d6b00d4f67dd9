import { expect, test, vi } from 'vitest';
import { main } from './main.ts';

test.each(['--version', '-v', 'version'])(
  'reto3 %s names the build of uWebSockets.js',
  async (word) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await main([word]);
    expect(write.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^reto3\/\d+\.\d+\.\d+ \S+ node-v\d\S+ uWebSockets\.js-20\.\d+\.\S+ \((?:newer|older) build\)\n$/,
        ),
      ],
    ]);
    write.mockRestore();
  },
);
