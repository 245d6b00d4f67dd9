import { Reto3Error } from '@reto3/core';
import { afterEach, expect, it, vi } from 'vitest';
import { printReto3Error } from './print-error.ts';

afterEach(() => void vi.restoreAllMocks());

it('prints one line, whatever a server sends', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const hint = 'none\nreto3: all is well';
  printReto3Error(new Reto3Error('RETO3_BAD_TIME', 'no such time\r\n', { hint }), ['stats']);
  expect(write.mock.calls).toEqual([
    ['reto3: no such time  (none reto3: all is well) [RETO3_BAD_TIME]\n'],
  ]);
});
