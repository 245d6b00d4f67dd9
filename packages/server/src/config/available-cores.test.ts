import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { availableCores } from './available-cores.ts';

const cores = 64;

async function coresWith(files: Readonly<Record<string, string>>): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'reto3-cores-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return availableCores(root, cores);
}

const v2 = {
  'proc/self/mountinfo':
    '23 1 0:21 / /proc rw - proc proc rw\n29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
};

it('uses the affinity mask without cgroups', async () => {
  expect(await coresWith({})).toBe(cores);
});

it.each([
  ['200000 100000', 2],
  ['250000 100000', 2],
  ['50000 100000', 1],
  ['6400000 100000', cores],
  ['12800000 100000', cores],
  ['max 100000', cores],
  ['', cores],
])('reads cpu.max "%s" of a container', async (max, wanted) => {
  const files = { ...v2, 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': `${max}\n` };
  expect(await coresWith(files)).toBe(wanted);
});

it('uses the smallest limit of nested cgroups, at any level', async () => {
  const files = {
    ...v2,
    'proc/self/cgroup': '0::/system.slice/reto3.service/payload\n',
    'sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
    'sys/fs/cgroup/system.slice/reto3.service/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/system.slice/reto3.service/payload/cpu.max': '400000 100000\n',
  };
  expect(await coresWith(files)).toBe(3);
});

it('ignores the cgroups of other processes', async () => {
  const files = {
    ...v2,
    'proc/self/cgroup': '0::/user.slice\n',
    'sys/fs/cgroup/system.slice/cpu.max': '100000 100000\n',
  };
  expect(await coresWith(files)).toBe(cores);
});

const v1Mount = (root: string): string =>
  `30 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n31 25 0:28 ${root} /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n`;
const v1Cgroup = '5:memory:/docker/1f2e\n4:cpu,cpuacct:/docker/1f2e\n0::/docker/1f2e\n';

it('reads the quota of cgroup v1, on the host as in a container', async () => {
  const host = 'sys/fs/cgroup/cpu,cpuacct/docker/1f2e';
  const container = 'sys/fs/cgroup/cpu,cpuacct';
  for (const [root, folder] of [
    ['/', host],
    ['/docker/1f2e', container],
    // The mount of another part of the tree: only its root is visible.
    ['/docker/1f2e/inner', container],
  ] as const) {
    const files = {
      'proc/self/mountinfo': v1Mount(root),
      'proc/self/cgroup': v1Cgroup,
      [`${folder}/cpu.cfs_quota_us`]: '150000\n',
      [`${folder}/cpu.cfs_period_us`]: '50000\n',
    };
    expect(await coresWith(files)).toBe(3);
  }
});

it('reads -1 of cgroup v1 as no limit', async () => {
  const folder = 'sys/fs/cgroup/cpu,cpuacct';
  const files = {
    'proc/self/mountinfo': v1Mount('/'),
    'proc/self/cgroup': '4:cpu,cpuacct:/\n',
    [`${folder}/cpu.cfs_quota_us`]: '-1\n',
    [`${folder}/cpu.cfs_period_us`]: '100000\n',
  };
  expect(await coresWith(files)).toBe(cores);
});
