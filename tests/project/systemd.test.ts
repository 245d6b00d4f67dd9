/** deploy/systemd, checked by systemd itself. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { cliFile } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';

const withSystemd = requires('systemd-analyze');
const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));

/** The unit with this clone's command line instead of an installed one. */
let unit: string;

beforeEach(async () => {
  const text = await readFile(join(deploy, 'systemd/reto3.service'), 'utf8');
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

test('systemd restarts it for as long as it fails', async () => {
  const [start = ''] = (await readFile(unit, 'utf8')).split('[Service]');
  expect(start).toMatch(/^StartLimitIntervalSec=0$/m);
});

test('the documented commands install it on a system with only the folders of Debian', async () => {
  const text = await readFile(join(deploy, '../docs/install.md'), 'utf8');
  const commands = /^## systemd\n.*?```\n(.*?)```/ms.exec(text)?.[1] ?? '';
  const root = await temporaryFolder();
  const bin = join(root, 'bin');
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true });
  await mkdir(bin);
  for (const [name, script] of Object.entries({
    npm: `echo ${join(root, 'modules')}`,
    systemctl: `echo systemctl "$@"`,
    'systemd-sysusers': 'echo systemd-sysusers',
  })) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await mkdir(join(root, 'modules/reto3'), { recursive: true });
  await symlink(join(deploy, 'systemd'), join(root, 'modules/reto3/systemd'));
  const env = { PATH: `${bin}${delimiter}${process.env['PATH']}` };
  const script = commands.replaceAll(' /etc/', ` ${root}/etc/`);
  const said = execFileSync('sh', ['-e', '-c', script], { encoding: 'utf8', env, stdio: 'pipe' });
  expect(said).toBe('systemd-sysusers\nsystemctl enable --now reto3\n');
  for (const file of ['systemd/system/reto3.service', 'sysusers.d/reto3.conf', 'reto3/reto3.yaml'])
    expect(existsSync(join(root, 'etc', file)), file).toBe(true);
});
