/**
 * The share of its runnable time in which a thread ran. On a busy machine, a report looks slow by
 * the clock although its thread only waits for a processor.
 */
import { readFileSync } from 'node:fs';

/** Times since the start of a thread, in ns. */
export interface CpuTimes {
  readonly ran: number;
  /** The time in which it was ready to run but had no processor. */
  readonly waited: number;
}

/** The times of the calling thread. Only Linux has them; elsewhere, all times are 0. */
export function cpuTimes(): CpuTimes {
  try {
    const [ran, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
    return { ran: Number(ran), waited: Number(waited) };
  } catch {
    return { ran: 0, waited: 0 };
  }
}

/** The share between two moments, 0 to 1; 1 if it is unknown. */
export function cpuShare(from: CpuTimes, to: CpuTimes): number {
  const [ran, waited] = [to.ran - from.ran, to.waited - from.waited];
  return ran > 0 && waited > 0 ? ran / (ran + waited) : 1;
}
