/** If a report's code changes, its results never mix with what it stored before. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { askReport } from '../support/report.ts';
import { Server } from '../support/server.ts';
import { untilFlushed } from '../support/stats.ts';

const report = (step: number, more = '') => `
  import { defineReport } from 'reto3/report';
  export default defineReport({
    name: 'steps',
    summary: 'A number of steps for each message',
    needs: 'head',
    ${more}
    columns: { steps: { type: 'int64', description: 'steps' } },
    create: () => ({ steps: 0 }),
    add(sum, { path }) {
      if (path === '/poison') throw new Error('poisoned');
      sum.steps += ${step};
    },
    merge: (a, b) => ({ steps: a.steps + b.steps }),
    rows: (sum) => [sum],
  });
`;

const stepsIn = async (server: Server): Promise<number> =>
  (await askReport(server, 'steps', 'min')).rows.reduce((sum, [, steps]) => sum + Number(steps), 0);

test('changed code is refused, restarted by a flag, or migrated by a newer version', async () => {
  const folder = await temporaryFolder();
  const [path, dataDir] = [join(folder, 'steps.mjs'), join(folder, 'data')];
  const start = (...flags: string[]) =>
    Server.start({ dataDir, flags: ['--report', path, ...flags] });
  await writeFile(path, report(1));
  const first = await start();
  await fetch(`http://127.0.0.1:${first.port}/`);
  expect(await stepsIn(first)).toBe(1);
  await first.stop();

  await writeFile(path, report(10));
  const refused = await runCli(['serve', '--data-dir', dataDir, '--report', path]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /cannot run report "steps": its code has changed, and it still is version 1 .*RETO3_REPORT_CHANGED/,
  );
  expect(refused.stderr.trim().split('\n')).toHaveLength(1);

  const anew = await start('--report-changed', 'anew');
  await fetch(`http://127.0.0.1:${anew.port}/`);
  expect(await stepsIn(anew)).toBe(10);
  await untilFlushed(anew, 3);
  await anew.kill();
  // The journal also has rows of the first code.
  const recovered = await start();
  expect(await stepsIn(recovered)).toBe(10);
  await recovered.stop();

  const migrate = 'version: 2, migrate: (bytes) => JSON.parse(Buffer.from(bytes).toString()),';
  await writeFile(path, report(100, migrate));
  const second = await start();
  await fetch(`http://127.0.0.1:${second.port}/`);
  expect(await stepsIn(second)).toBe(110);
  await second.stop();
});

test('reto3 reports --errors shows a message on which a report fails', async () => {
  const folder = await temporaryFolder();
  const [path, dataDir] = [join(folder, 'steps.mjs'), join(folder, 'data')];
  await writeFile(path, report(1));
  const server = await Server.start({ dataDir, flags: ['--report', path] });
  for (const each of ['', 'poison', ''])
    expect((await fetch(`http://127.0.0.1:${server.port}/${each}`)).status).toBe(200);
  expect(await stepsIn(server)).toBe(2);
  const [known] = await ask(server.adminUrl, '/v1/reports');
  expect(known).toMatchObject({ running: true, errors: { failed: 1, skipped: 0 } });
  const wanted =
    /^steps:\n {2}messages that it failed on: 1, .*\n {2}\d{4}-.*, GET \/poison: poisoned\n$/;
  const shown = await runCli(['reports', '--errors', '--url', server.adminUrl]);
  expect(shown.stdout).toMatch(wanted);
  expect(server.stderr).toMatch(/report steps failed on a message: poisoned/);
  await server.stop();
  const stored = await runCli(['reports', '--errors', '--data-dir', dataDir]);
  expect(stored.stdout).toMatch(wanted);
});
