import { expect, test, vi } from 'vitest';
import { runDirectly } from './direct.ts';

vi.mock('@oclif/core', () => {
  throw new Error('oclif is loaded');
});

/** Port 1 of loopback: nothing listens there. */
const nowhere = ['--url', 'http://127.0.0.1:1'];

test.each([
  { args: ['stats', 'ms10', '--last', '5', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['stats', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['stats', '10ms', '-n', '5', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['stats', '--since', '5m', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['stats', 'sec', '--follow', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['stats', 'sec', '--chart', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['health', ...nowhere], code: 'RETO3_SERVER_NOT_REACHABLE' },
  { args: ['serve', '--port', 'http'], code: 'RETO3_BAD_SETTING' },
])('reto3 $args runs without oclif', async ({ args, code }) => {
  await expect(runDirectly(args)).rejects.toMatchObject({ code });
});

test.each([
  [[]],
  [['--help']],
  [['stats', 'ms5']],
  [['stats', 'sec', '--help']],
  [['stats', '--last', '5', 'sec']],
  [['serve', '--nonsense']],
  [['serve', '--help']],
  [['audit']],
])('reto3 %j is left to oclif', async (args) => {
  expect(await runDirectly(args)).toBe(false);
});
