import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { serverTargets, statsCommand, verdicts } from '../report/targets.ts';
import { commandLines, findings, notMeasured } from './command-starts.ts';

it('every command is measured, or has a reason why not', () => {
  const reference = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');
  const commands = [...reference.matchAll(/^## reto3 (\S+)$/gm)].map(([, name]) => name);
  const place = { url: '', log: '', dataDir: '', backup: '', config: '', ports: [1, 2] } as const;
  const measured = Object.values(commandLines(place, '')).map(([name]) => name);
  expect([...measured, ...Object.keys(notMeasured)].sort()).toEqual(commands.sort());
});

it('the slowest comes first; commands with and without a folder have a target each', () => {
  const series = [
    { name: statsCommand, values: [150, 300, 160] },
    { name: 'health', values: [200, 400, 240] },
    { name: 'doctor', values: [230, 480, 210] },
    { name: 'node -e 0', values: [100, 200, 100] },
  ];
  const reads = { [statsCommand]: 'server', health: 'server', doctor: 'folder' };
  const [chart, table] = findings(series, reads);
  expect(table.rows).toEqual([
    ['doctor', 'folder', 230, 2.3, 2.1, 2.4],
    ['health', 'server', 240, 2, 2, 2.4],
    [statsCommand, 'server', 160, 1.5, 1.5, 1.6],
  ]);
  const results = { comparisons: [chart], tables: [table], failures: [] };
  const reached = verdicts(results, serverTargets).filter(({ met }) => met !== undefined);
  expect(reached).toMatchObject([
    { reached: 1.5, wanted: '≤ 1.7', met: true },
    { reached: 2, wanted: '≤ 2.2', met: true },
    { reached: 2.3, wanted: '≤ 2.2', met: false },
  ]);
});
