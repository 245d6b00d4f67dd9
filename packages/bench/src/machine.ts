/** The machine of the run, and the cores for the server and the load. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { findProgram } from './program.ts';

export interface Machine {
  readonly processor: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** The load average over the minute before. Above a few tenths, do not trust the figures. */
  readonly loadBefore: number;
}

export function readMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    system: systemName(),
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}

/** Cores for the server and for the load; undefined means any. */
export interface Placement {
  readonly server: readonly number[] | undefined;
  readonly load: readonly number[] | undefined;
}

/** Neither is pinned. */
export const unpinned: Placement = { server: undefined, load: undefined };

/** One core for the server and another for the load; undefined if that is impossible. */
export function pinned(): Placement | undefined {
  if (findProgram('taskset') === undefined) return undefined;
  const allowed = parseCpuList(
    /Cpus_allowed_list:\s*(\S+)/.exec(read('/proc/self/status'))?.[1] ?? '',
  );
  const [server] = allowed;
  if (server === undefined) return undefined;
  // Two hardware threads of one core would slow each other down.
  const siblings = parseCpuList(
    read(`/sys/devices/system/cpu/cpu${server}/topology/thread_siblings_list`),
  );
  const others = allowed.filter((core) => core !== server);
  const load = others.find((core) => !siblings.includes(core)) ?? others[0];
  return load === undefined ? undefined : { server: [server], load: [load] };
}

/** Parses `0-2,5` as 0, 1, 2, 5. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function systemName(): string {
  return /^PRETTY_NAME="(.*)"$/m.exec(read('/etc/os-release'))?.[1] ?? process.platform;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
