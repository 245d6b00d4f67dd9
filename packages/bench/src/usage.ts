/**
 * The resources that a process group uses, from /proc: CPU time, resident memory, bytes written to
 * disk.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface Usage {
  /** User and system time of all threads since they started. */
  readonly cpuSeconds: number;
  /** The system part of that time. */
  readonly kernelSeconds: number;
  /** The current resident memory of all processes in the group. */
  readonly residentBytes: number;
  /** The most resident memory of each process in the group so far, added up. */
  readonly peakBytes: number;
  /** Bytes written so far (write_bytes: pages dirtied, to be written to disk). */
  readonly writtenBytes: number;
}

/** USER_HZ: the kernel reports CPU time in hundredths of a second. */
const ticksPerSecond = 100;

/** Parses the line in /proc/PID/stat. */
export interface ProcessStat {
  readonly group: number;
  readonly cpuSeconds: number;
  readonly kernelSeconds: number;
}

/** The name in parentheses may contain anything, so count fields from the last parenthesis. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (at: number): number => Number(fields[at]);
  const [user, kernel] = [field(11) / ticksPerSecond, field(12) / ticksPerSecond];
  return { group: field(2), cpuSeconds: user + kernel, kernelSeconds: kernel };
}

/** A number from a file of `name: value` lines, such as /proc/PID/status; 0 if absent. */
export function parseField(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(name.length + 1), 10);
}

/** The sum over all processes in the group. */
export function usageOf(group: number): Usage {
  return sumOf(
    inGroup(group, (folder, { cpuSeconds, kernelSeconds }) => {
      const status = readFileSync(`${folder}/status`, 'utf8');
      return {
        cpuSeconds,
        kernelSeconds,
        residentBytes: parseField(status, 'VmRSS') * 1_024,
        peakBytes: parseField(status, 'VmHWM') * 1_024,
        writtenBytes: parseField(readFileSync(`${folder}/io`, 'utf8'), 'write_bytes'),
      };
    }),
  );
}

/** What `read` returns for each process in the group; it gets the process's folder in /proc. */
function inGroup<T>(group: number, read: (folder: string, stat: ProcessStat) => T): T[] {
  const found: T[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (stat.group === group) found.push(read(`/proc/${name}`, stat));
    } catch {
      // It has just ended, or belongs to another user.
    }
  }
  return found;
}

/** CPU seconds of each thread in the group so far, by thread ID. */
export function threadSecondsOf(group: number): Map<string, number> {
  const threads = inGroup(group, (folder) =>
    readdirSync(`${folder}/task`).map((thread): [string, number] => {
      const [nanoseconds] = readFileSync(`${folder}/task/${thread}/schedstat`, 'utf8').split(' ');
      return [thread, Number(nanoseconds) / 1e9];
    }),
  );
  return new Map(threads.flat());
}

/**
 * CPU seconds between two readings of `threadSecondsOf`: of all threads, and of the busiest, which
 * in a server under load is its only worker.
 */
export function threadsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): { readonly all: number; readonly busiest: number } {
  const used = [...after].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0));
  return { all: used.reduce((sum, seconds) => sum + seconds, 0), busiest: Math.max(...used) };
}

export function sumOf(usages: readonly Usage[]): Usage {
  const sum = (pick: (usage: Usage) => number): number =>
    usages.reduce((total, usage) => total + pick(usage), 0);
  return {
    cpuSeconds: sum((usage) => usage.cpuSeconds),
    kernelSeconds: sum((usage) => usage.kernelSeconds),
    residentBytes: sum((usage) => usage.residentBytes),
    peakBytes: sum((usage) => usage.peakBytes),
    writtenBytes: sum((usage) => usage.writtenBytes),
  };
}

/**
 * Starts watching cores; the returned function gives the share of time that they were busy since.
 */
export function watchBusy(cores: readonly number[]): () => number {
  const idleMs = (): number =>
    cpus().reduce((sum, { times }, core) => sum + (cores.includes(core) ? times.idle : 0), 0);
  const startMs = performance.now();
  const before = idleMs();
  return () => 1 - (idleMs() - before) / (performance.now() - startMs) / cores.length;
}

/** Starts measuring; the returned function gives how many cores were used since. */
export function watchCores(of: readonly { usage(): Usage }[]): () => number {
  const used = (): number => sumOf(of.map((each) => each.usage())).cpuSeconds;
  const startMs = performance.now();
  const before = used();
  return () => (used() - before) / ((performance.now() - startMs) / 1_000);
}
