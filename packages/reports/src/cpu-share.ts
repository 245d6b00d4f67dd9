/**
 * How much of the time in which a thread could run it did run. On a machine that is short of
 * processors a report seems slow by the clock, though it is the thread that waits for one.
 */
import { readFileSync } from 'node:fs';

/** Since the start of the thread, in ns. */
export interface CpuTimes {
  readonly ran: number;
  /** Ready to run, and waiting for a processor. */
  readonly waited: number;
}

/** Of the calling thread. Only Linux says; elsewhere a thread counts as never waiting. */
export function cpuTimes(): CpuTimes {
  try {
    const [ran, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
    return { ran: Number(ran), waited: Number(waited) };
  } catch {
    return { ran: 0, waited: 0 };
  }
}

/** From 0 to 1, between two moments; 1 if that is unknown. */
export function cpuShare(from: CpuTimes, to: CpuTimes): number {
  const [ran, waited] = [to.ran - from.ran, to.waited - from.waited];
  return ran > 0 && waited > 0 ? ran / (ran + waited) : 1;
}
