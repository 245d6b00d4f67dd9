/**
 * The machine that measures: what it is, and which cores serve and which load.
 */
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
  /**
   * Programs that wanted a core during the minute before: what else the machine was doing. Above a
   * few tenths nothing that is measured here can be trusted.
   */
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

/** Which cores serve and which load; undefined: whatever the system chooses. */
export interface Placement {
  readonly server: readonly number[] | undefined;
  readonly load: readonly number[] | undefined;
}

/** All of the machine for both. */
export const unpinned: Placement = { server: undefined, load: undefined };

/** One core for the server, another one for the load; undefined where that cannot be had. */
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

/** `0-2,5` is 0, 1, 2, 5. */
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
