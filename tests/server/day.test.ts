/** Streams a day of ms10 windows exactly, in no more memory than a minute. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { cliFile, runCli } from '../support/cli.ts';
import { poissonCounts, windowsPerDay, writeDay } from '../support/day.ts';
import { columnReader, lineReader } from '../support/day-reader.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { growthDuring, memoryOf } from '../support/memory.ts';
import { Server } from '../support/server.ts';
import { printStats } from '../support/stats.ts';
import { rollUp, sumOf } from '../support/windows.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** For one answer from a normally started server. Measured: 2 to 28, even on a busy machine. */
const maxGrowthMiB = 50;
/**
 * For four answers in a row. Measured: 15 to 46. Decompressed blocks are outside V8's heap; a busy
 * machine collects them late, but always at 64 MiB.
 */
const maxInAllMiB = 80;

test('a day of ms10 windows streams exactly, with little memory', {
  timeout: 900_000,
}, async () => {
  const dataDir = await temporaryFolder();
  // The day before yesterday is over, and any retention keeps it.
  const from = (Math.floor(Date.now() / dayMs) - 2) * dayMs;
  const begun = performance.now();
  const day = await writeDay(dataDir, from, poissonCounts(50, 20160528));
  const messages = day.counts.reduce((sum, count) => sum + count, 0);
  figure('day: seconds to write it', ((performance.now() - begun) / 1_000).toFixed(1));

  const server = await Server.start({ dataDir });
  const info = await askInfo(server.adminUrl);
  expect(info.messagesInAll).toBe(messages);
  const range = ['--from', String(day.from), '--to', String(day.to)];
  const stats = ['stats', 'ms10', '--url', server.adminUrl, ...range];

  const cold = memoryOf(server.pid);
  // Read an hour first, so that memory which a warm runtime keeps does not count as growth.
  for (const format of ['text', 'json']) {
    const hour = ['--from', String(day.to - hourMs), '--to', String(day.to), '--format', format];
    await runCli(['stats', 'ms10', '--url', server.adminUrl, ...hour]);
  }
  const before = memoryOf(server.pid);
  for (const [format, reader] of [
    ['text', lineReader(day)],
    ['json', columnReader(day)],
  ] as const) {
    const start = performance.now();
    let bytes = 0;
    const grownMiB = await growthDuring(server.pid, async () => {
      const { code, stderr } = await runCli([...stats, '--format', format], {
        onStdout: (piece) => {
          bytes += piece.length;
          reader.take(piece);
        },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });
    expect(reader.windows()).toBe(windowsPerDay);
    expect(reader.total()).toBe(messages);
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    figure(`day as ${format}: MB`, (bytes / 1e6).toFixed(0));
    figure(`day as ${format}: seconds, comparing included`, seconds);
    figure(`day as ${format}: memory of the server grew by MiB`, grownMiB.toFixed(1));
    expect(grownMiB).toBeLessThan(maxGrowthMiB);
  }
  for (const analysis of [['bursts'], ['whatif', '--capacity', '6000']]) {
    const start = performance.now();
    const grownMiB = await growthDuring(server.pid, async () => {
      const asked = await runCli([...analysis, '--json', '--url', server.adminUrl, ...range]);
      expect(asked).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(asked.stdout)).toMatchObject({ windows: windowsPerDay, messages });
    });
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    figure(`day: seconds for ${analysis.join(' ')}`, seconds);
    figure(`day: ${analysis[0]}: memory of the server grew by MiB`, grownMiB.toFixed(1));
    expect(grownMiB).toBeLessThan(maxGrowthMiB);
  }
  const after = memoryOf(server.pid);
  figure(
    'day: memory of the server cold, after an hour, most, after the day, MiB',
    [cold.nowMiB, before.nowMiB, after.maxMiB, after.nowMiB]
      .map((value) => value.toFixed(0))
      .join(', '),
  );
  expect(after.maxMiB - before.nowMiB).toBeLessThan(maxInAllMiB);

  const sec = await printStats(server, 'sec', ...range);
  const min = await printStats(server, 'min', ...range);
  expect([sec.size, min.size]).toEqual([86_400, 1_440]);
  expect([sumOf(sec), sumOf(min)]).toEqual([messages, messages]);
  expect([...rollUp(sec, 60_000)]).toEqual([...min]);

  // The pipe's reader stops after one of eight million lines.
  const pipe = spawnSync(
    'bash',
    [
      '-c',
      'set -o pipefail; "$@" | head -1; echo "code $?"',
      'bash',
      process.execPath,
      cliFile,
      ...stats,
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  expect(pipe.stdout).toMatch(/^\S+ 00:00:00\.000, \d+\ncode 0\n$/);
  expect(pipe.stderr).toBe('');
});
