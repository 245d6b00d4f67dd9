/** What a process occupies, from /proc. */
import { readFileSync } from 'node:fs';

const mebibyte = 1 << 20;

interface Memory {
  /** Resident now, in MiB. */
  readonly nowMiB: number;
  /** The most that was ever resident, in MiB. */
  readonly mostMiB: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const read = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match?.[1] === undefined) throw new Error(`got no ${name} in /proc/${pid}/status`);
    return (Number(match[1]) * 1_024) / mebibyte;
  };
  return { nowMiB: read('VmRSS'), mostMiB: read('VmHWM') };
}
