/** What `npm test` does to the machine that it runs on. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.ts';

const script = fileURLToPath(new URL('../scripts/packages.mjs', import.meta.url));

/** Asks the policy in that file whether a service may start, while packages are installed. */
function duringInstallation(policy: string, work: string): string {
  const code = `
    import { spawnSync } from 'node:child_process';
    import { withoutServices } from ${JSON.stringify(script)};
    const policy = ${JSON.stringify(policy)};
    withoutServices(() => { ${work} }, policy);`;
  const args = ['--input-type=module', '--eval', code];
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' });
}

const askPolicy = 'console.log(spawnSync(policy, ["nginx", "start"]).status);';
const own = '#!/bin/sh\nexit 104\n';

test('no service starts while packages are installed, and no policy stays', async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(existsSync(policy)).toBe(false);
});

test("the machine's own policy stands again, also when the installation fails", async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  await writeFile(policy, own, { mode: 0o755 });
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(await readFile(policy, 'utf8')).toBe(own);
  expect(() => duringInstallation(policy, 'throw new Error("apt");')).toThrow('apt');
  expect(await readFile(policy, 'utf8')).toBe(own);
});

test('after an installation that was killed, the next one restores the policy', async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  await writeFile(policy, own, { mode: 0o755 });
  expect(() => duringInstallation(policy, 'process.kill(process.pid, "SIGKILL");')).toThrow();
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(await readFile(policy, 'utf8')).toBe(own);
});
