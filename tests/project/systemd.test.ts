/** deploy/systemd, checked by systemd itself. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect } from 'vitest';
import { cliFile } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';

const withSystemd = requires('systemd-analyze');

/** The unit with this clone's command line instead of an installed one. */
let unit: string;

beforeEach(async () => {
  const text = await readFile(
    new URL('../../deploy/systemd/reto3.service', import.meta.url),
    'utf8',
  );
  unit = join(await temporaryFolder(), 'reto3.service');
  await writeFile(unit, text.replace('/usr/local/bin/reto3', cliFile));
});

function analyze(...args: string[]): string {
  return execFileSync('systemd-analyze', [...args, unit], { encoding: 'utf8', stdio: 'pipe' });
}

withSystemd('the unit is clean', async () => {
  // The package contains the manual page, which may not be installed here.
  expect(analyze('verify', '--man=no')).toBe('');
});

withSystemd('the unit has no more rights than it needs: a score of 2.0 at most', async () => {
  const report = analyze('security', '--offline=true', '--no-pager', '--threshold=20');
  expect(report).toMatch(/Overall exposure level for reto3\.service: [01]\.\d /);
});
