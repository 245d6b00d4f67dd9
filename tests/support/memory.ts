/** A process's memory, from /proc. */
import { readFileSync } from 'node:fs';

const mebibyte = 1 << 20;

interface Memory {
  /** Resident now, in MiB. */
  readonly nowMiB: number;
  /** The peak of resident memory, in MiB. */
  readonly maxMiB: number;
}

const lookEveryMs = 10;

/** Runs `work`; returns by how much the peak of resident memory exceeds its start, in MiB. */
export async function growthDuring(pid: number, work: () => Promise<void>): Promise<number> {
  const before = memoryOf(pid).nowMiB;
  let most = before;
  const look = (): void => {
    most = Math.max(most, memoryOf(pid).nowMiB);
  };
  const timer = setInterval(look, lookEveryMs);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const read = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match?.[1] === undefined) throw new Error(`got no ${name} in /proc/${pid}/status`);
    return (Number(match[1]) * 1_024) / mebibyte;
  };
  return { nowMiB: read('VmRSS'), maxMiB: read('VmHWM') };
}
