import { expect, test, vi } from 'vitest';
import { loadAll } from './command.ts';
import { commands } from './commands.ts';

vi.mock('@oclif/core', () => {
  throw new Error('oclif is loaded');
});

test('no command loads oclif, which takes longer than most of them', async () => {
  const all = await loadAll(commands);
  expect(all.map(([name]) => name)).toEqual(Object.keys(commands).sort());
  // Loads the modules that a command loads when it runs.
  await Promise.all([
    import('./main.ts'),
    import('./doctor.ts'),
    import('./repair.ts'),
    import('./chart/chart-stats.ts'),
  ]);
});

test('summaries are short and without a full stop, and every command has an example', async () => {
  for (const [name, { summary, examples }] of await loadAll(commands)) {
    expect(summary.length, name).toBeLessThan(70);
    expect(summary, name).not.toMatch(/\.$/);
    expect(examples, name).not.toEqual([]);
  }
});
