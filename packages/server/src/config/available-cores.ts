/**
 * The number of cores that this process may use: those of its affinity mask (taskset, a cpuset), or
 * fewer if a cgroup limits its CPU time. Node.js 20 ignores cgroups.
 *
 * A limit applies to everything below its cgroup, so the smallest limit of all levels decides.
 * Formats: cgroups(7); cgroup-v2.rst and sched-bwc.rst in the Linux documentation.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, posix } from 'node:path';

/** @param root the folder that has /proc and /sys; / except in tests */
export function availableCores(root = '/', cores = availableParallelism()): number {
  const quota = Math.min(...limitsOf(root));
  // Rounded down, as newer versions of libuv do: with one thread too many, all threads are stopped
  // until the next period.
  return Math.max(1, Math.min(cores, Math.floor(quota)));
}

/** The limits of this process's cgroup and its ancestors, in cores. */
function limitsOf(root: string): number[] {
  const own = cgroupsIn(read(root, '/proc/self/cgroup'));
  const mounts = mountsIn(read(root, '/proc/self/mountinfo'));
  return mounts.flatMap(({ version, mountRoot, mountPoint }) => {
    const path = own[version];
    return path === undefined
      ? []
      : levelsOf(path, mountRoot).flatMap((level) => {
          const limit = limitIn(root, posix.join(mountPoint, level), version);
          return limit === undefined ? [] : [limit];
        });
  });
}

type Version = 'v1' | 'v2';

/** The paths in lines such as `0::/user.slice` (v2) and `4:cpu,cpuacct:/docker/1f2e` (v1). */
function cgroupsIn(text: string): Partial<Record<Version, string>> {
  const paths: Partial<Record<Version, string>> = {};
  for (const line of text.split('\n')) {
    const [, id, controllers = '', path] = /^(\d+):([^:]*):(.+)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (id === '0' && controllers === '') paths.v2 = path;
    else if (controllers.split(',').includes('cpu')) paths.v1 = path;
  }
  return paths;
}

interface Mount {
  readonly version: Version;
  /** The cgroup that is mounted at the mount point. */
  readonly mountRoot: string;
  readonly mountPoint: string;
}

/** The mounts in lines such as `29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup rw`. */
function mountsIn(text: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , mountRoot = '/', mountPoint = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') return [{ version: 'v2', mountRoot, mountPoint }];
    const isCpu = type === 'cgroup' && options.split(',').includes('cpu');
    return isCpu ? [{ version: 'v1', mountRoot, mountPoint }] : [];
  });
}

/**
 * The cgroup and its ancestors, as far as the mount shows them. In a container the mount may not show
 * the path; then its root is the container's own cgroup.
 */
function levelsOf(path: string, mountRoot: string): string[] {
  const shown = posix.relative(mountRoot, path);
  if (shown.startsWith('..')) return ['/'];
  const names = shown.split('/').filter(Boolean);
  return [...names.keys(), names.length].map((depth) => `/${names.slice(0, depth).join('/')}`);
}

function limitIn(root: string, folder: string, version: Version): number | undefined {
  const [quota, period] =
    version === 'v2'
      ? read(root, `${folder}/cpu.max`).trim().split(' ')
      : ['quota', 'period'].map((name) => read(root, `${folder}/cpu.cfs_${name}_us`).trim());
  // `max` and -1 mean no limit.
  const limit = Number(quota) / Number(period);
  return quota !== '' && limit > 0 && Number.isFinite(limit) ? limit : undefined;
}

function read(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    // Not Linux, not mounted, or a level without that controller.
    return '';
  }
}
