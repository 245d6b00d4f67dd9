/** README.md: run its commands in order in a shell, and they print the output shown. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cliFile } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The commands of all sessions on a page: the text after `$ `, and the lines below it. */
function stepsIn(page: string): Step[] {
  const sessions = [...page.matchAll(/^```\n(\$ .*?)^```$/gms)].map(([, session = '']) => session);
  return sessions
    .flatMap((session) => session.split(/^\$ /m).slice(1))
    .map((step) => {
      const [command = '', ...output] = step.split('\n');
      return { command, output: output.join('\n') };
    });
}

/** Counts and times differ each time; a second may end between two requests. */
function shapeOf(output: string): { readonly lines: readonly string[]; readonly messages: number } {
  const window = /^\d{4}(?:-\d\d){2} \d\d:\d\d:\d\d\.\d{3}, (\d+)$/;
  const counts = output.split('\n').map((line) => Number(window.exec(line)?.[1] ?? 0));
  const lines = output.split('\n').map((line) => line.replace(window, 'window, count'));
  return {
    lines: [...new Set(lines)].map((line) => line.replaceAll(/\d+ (block|minute)s?\b/g, 'N $1s')),
    messages: counts.reduce((sum, count) => sum + count, 0),
  };
}

test('shows what its commands print', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const steps = stepsIn(await readFile(new URL('../../README.md', import.meta.url), 'utf8'));
  expect(steps.length).toBeGreaterThanOrEqual(5);
  const env = { ...process.env, RETO3_URL: server.adminUrl };
  for (const { command, output } of steps) {
    const typed = command.replaceAll('127.0.0.1:8080', `127.0.0.1:${server.port}`);
    const shell = `npx() { shift; "${process.execPath}" "${cliFile}" "$@"; }; ${typed}`;
    const printed = execFileSync('bash', ['-c', shell], { encoding: 'utf8', env });
    expect({ command, ...shapeOf(printed) }).toEqual({ command, ...shapeOf(output) });
  }
});
