/**
 * What a process group has used of the machine, from /proc: processor time, resident memory, bytes
 * that went to the disk.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface Usage {
  /** User and system time of all threads since they started. */
  readonly cpuSeconds: number;
  /** What the kernel took of it on their behalf. */
  readonly kernelSeconds: number;
  /** Resident memory now, all processes of the group. */
  readonly residentBytes: number;
  /** What was sent towards the disk so far (write_bytes: pages that will be written). */
  readonly writtenBytes: number;
}

/** The kernel counts processor time in hundredths of a second towards programs (USER_HZ). */
const ticksPerSecond = 100;

/** Of one process, from its line in /proc/PID/stat. */
export interface ProcessStat {
  readonly group: number;
  readonly cpuSeconds: number;
  readonly kernelSeconds: number;
}

/** The name in parentheses may hold anything, so what follows is found from behind. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (at: number): number => Number(fields[at]);
  const [user, kernel] = [field(11) / ticksPerSecond, field(12) / ticksPerSecond];
  return { group: field(2), cpuSeconds: user + kernel, kernelSeconds: kernel };
}

/** A number from a file of `name: value` lines, such as /proc/PID/status; 0 where it is absent. */
export function parseField(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(name.length + 1), 10);
}

/** The sum over all processes of the group. */
export function usageOf(group: number): Usage {
  let cpuSeconds = 0;
  let kernelSeconds = 0;
  let residentBytes = 0;
  let writtenBytes = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (stat.group !== group) continue;
      cpuSeconds += stat.cpuSeconds;
      kernelSeconds += stat.kernelSeconds;
      residentBytes += parseField(readFileSync(`/proc/${name}/status`, 'utf8'), 'VmRSS') * 1_024;
      writtenBytes += parseField(readFileSync(`/proc/${name}/io`, 'utf8'), 'write_bytes');
    } catch {
      // It ended while it was looked at, or belongs to somebody else.
    }
  }
  return { cpuSeconds, kernelSeconds, residentBytes, writtenBytes };
}

/** Processor time of each thread of the group so far, in seconds, by the number of the thread. */
export function threadSecondsOf(group: number): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')).group !== group) continue;
      for (const thread of readdirSync(`/proc/${name}/task`)) {
        const [nanoseconds] = readFileSync(`/proc/${name}/task/${thread}/schedstat`, 'utf8').split(
          ' ',
        );
        seconds.set(thread, Number(nanoseconds) / 1e9);
      }
    } catch {
      // It ended while it was looked at, or belongs to somebody else.
    }
  }
  return seconds;
}

export function sumOf(usages: readonly Usage[]): Usage {
  const sum = (pick: (usage: Usage) => number): number =>
    usages.reduce((total, usage) => total + pick(usage), 0);
  return {
    cpuSeconds: sum((usage) => usage.cpuSeconds),
    kernelSeconds: sum((usage) => usage.kernelSeconds),
    residentBytes: sum((usage) => usage.residentBytes),
    writtenBytes: sum((usage) => usage.writtenBytes),
  };
}

/** Begins to watch cores of the machine; the result is the share of the time since that they were busy. */
export function watchBusy(cores: readonly number[]): () => number {
  const idleMs = (): number =>
    cpus().reduce((sum, { times }, core) => sum + (cores.includes(core) ? times.idle : 0), 0);
  const startMs = performance.now();
  const before = idleMs();
  return () => 1 - (idleMs() - before) / (performance.now() - startMs) / cores.length;
}

/** Begins to measure; the result says how many cores (1 is a whole one) were used since. */
export function watchCores(of: readonly { usage(): Usage }[]): () => number {
  const used = (): number => sumOf(of.map((each) => each.usage())).cpuSeconds;
  const startMs = performance.now();
  const before = used();
  return () => (used() - before) / ((performance.now() - startMs) / 1_000);
}
