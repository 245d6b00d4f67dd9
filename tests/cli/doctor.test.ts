/** `reto3 doctor` checks a machine and a folder; with --repair it repairs the folder. */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { timeText } from '@reto3/core';
import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks, messages, serverWithMessages } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { keepForever, Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const folderMessages = 1_400;

/** The result of each check of `reto3 doctor`, by name. */
function findingsIn(stdout: string): ReadonlyMap<string, string> {
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^\w+ +(ok {2}|warn|fail) \S/);
  return new Map(
    lines.map((line) => [line.slice(0, 8).trimEnd(), line.slice(9, 13).trimEnd()] as const),
  );
}

test('an intact folder, a new one and one in use by a server pass', async () => {
  const { server, dataDir } = await serverWithMessages();
  const ports = ['--port', String(server.port), '--admin-port', String(server.adminPort)];
  const held = await runCli(['doctor', '--data-dir', dataDir, ...ports]);
  expect(held.code).toBe(0);
  expect(held.stdout).toMatch(/^data {5}ok {3}a server holds /m);
  expect(held.stdout).toMatch(/^port {5}ok {3}port \d+ is taken, and reto3 \S+ runs here/m);
  await server.stop();

  const whole = await runCli(['doctor', '--data-dir', dataDir, ...ports]);
  expect(whole.code).toBe(0);
  const findings = findingsIn(whole.stdout);
  for (const check of ['node', 'glibc', 'uws', 'port', 'admin', 'space', 'data', 'blocks'])
    expect(findings.get(check)).toBe('ok');
  expect(findings.has('fsync') && findings.has('clock')).toBe(true);
  expect(whole.stdout).toContain(`left cleanly: ${messages} messages`);

  const fresh = await runCli(['doctor', '--data-dir', await temporaryFolder(), ...ports]);
  expect(fresh.stdout).toMatch(/^data {5}ok .* holds no counts yet$/m);
});

test('a repair refuses a folder in use, and leaves no copy', async () => {
  const { server, dataDir } = await serverWithMessages();
  const before = await readdir(dirname(dataDir));
  const { code, stdout, stderr } = await runCli(['doctor', '--repair', '--data-dir', dataDir]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/a server holds it .*\(stop that server first\)/);
  const name = dataDir.slice(dirname(dataDir).length + 1);
  const copies = (await readdir(dirname(dataDir))).filter((file) => file.startsWith(`${name}.`));
  expect(copies).toEqual(before.filter((file) => file.startsWith(`${name}.`)));
  await server.stop();
});

test('a damaged block and a missing CURRENT are found, repaired, and reported from then on', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const start = await flipRow(dataDir, 'ms10');
  await rm(join(dataDir, 'CURRENT'));
  const found = await runCli(['doctor', '--data-dir', dataDir]);
  expect(found.code).toBe(5);
  expect(findingsIn(found.stdout).get('data')).toBe('fail');

  const repaired = await runCli(['doctor', '--repair', '--data-dir', dataDir]);
  expect(repaired).toMatchObject({ code: 0, stderr: '' });
  const copy = /^copied {3}to (.*)$/m.exec(repaired.stdout)?.[1] ?? '';
  expect(await readdir(copy)).not.toContain('CURRENT');
  await rm(copy, { recursive: true });
  const lost = `from ${timeText(start)} to ${timeText(start + 60_000)}`;
  expect(repaired.stdout).toContain(`gone     ms10 ${lost}`);

  const audited = await runCli(['audit', '--data-dir', dataDir]);
  expect(audited.code).toBe(0);
  expect(audited.stdout).toContain(`gone     ms10 ${lost}`);
  const server = await Server.start({ dataDir, flags: keepForever });
  const range = ['--from', String(startMs), '--to', String(startMs + 300_000)];
  const ask = (period: string) => runCli(['stats', period, ...range, '--url', server.adminUrl]);
  expect(sumOf(parseLines((await ask('sec')).stdout))).toBe(folderMessages);
  const ms10 = await ask('ms10');
  expect(ms10.code).toBe(1);
  expect(ms10.stderr).toContain('it was lost before the data folder was repaired');
});

/** Runs a command with mounts of its own. */
const withMounts = ['unshare', '--mount', '--propagation', 'private'] as const;
const canMount = spawnSync(withMounts[0], [...withMounts.slice(1), 'true']).status === 0;

test.runIf(canMount)(
  'a repair of a volume keeps its copy there, and changes nothing if it is full',
  async () => {
    const dataDir = await folderWithBlocks(startMs);
    const volume = join(dirname(dataDir), 'volume');
    await mkdir(volume);
    // The volume ends with the command, so its files are listed before.
    const script = `
    from=$1 volume=$2 spare=$3; shift 3
    size=$(du --apparent-size -sk "$from" | cut -f 1)
    mount -t tmpfs -o "size=$((size + spare))k" none "$volume"
    cp -a --sparse=never "$from/." "$volume"
    "$@"; code=$?
    ls -A "$volume"
    exit $code`;
    const repairOn = (spareKilobytes: number) => {
      const shell = ['sh', '-c', script, 'sh', dataDir, volume, String(spareKilobytes)];
      const wrapper = [...withMounts, ...shell];
      return runCli(['doctor', '--repair', '--data-dir', volume], { wrapper });
    };
    const done = await repairOn(64_000);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const copied = /^copied {3}to (.*)$/m.exec(done.stdout)?.[1] ?? '';
    expect(dirname(copied)).toBe(volume);
    expect(done.stdout).toMatch(/^before-repair-2[-\dTZ]+$/m);
    expect(done.stdout).not.toMatch(/^REPAIR$/m);

    const full = await repairOn(64);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(
      /no space left on that disk .*nothing was changed\) \[RETO3_DISK_FULL\]/,
    );
    expect(full.stdout).toMatch(/^CURRENT$/m);
    expect(full.stdout).not.toMatch(/before-repair|^REPAIR$/m);
  },
);

test('two repairs at once, or a second Ctrl-C, leave a folder that a repair completes', async () => {
  const dataDir = await folderWithBlocks(startMs);
  await flipRow(dataDir, 'ms10');
  // What a killed process leaves there goes with the test.
  const env = { TMPDIR: dirname(dataDir) };
  const repairing = startCli(['doctor', '--repair', '--data-dir', dataDir], { env });
  const copies = async () =>
    (await readdir(dirname(dataDir))).filter((name) => name.includes('.before-repair-'));
  await waitUntil('it copies', async () => !repairing.running || (await copies()).length > 0);
  const second = await runCli(['doctor', '--repair', '--data-dir', dataDir]);
  repairing.signal('SIGKILL');
  await repairing.exited;
  if (second.code !== 0) expect(second.stderr).toContain('[RETO3_DATA_LOCKED]');
  const last = await runCli(['doctor', '--repair', '--data-dir', dataDir]);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout } = await runCli(['stats', 'sec', '--from', '0', '--data-dir', dataDir]);
  expect(code).toBe(0);
  expect(sumOf(parseLines(stdout))).toBe(folderMessages);
});
