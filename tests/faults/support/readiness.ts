/** Waits for /readyz to change. */
import { setTimeout } from 'node:timers/promises';

const lookEveryMs = 20;
/** Longer than every promise, so that a server that never recovers fails instead of hanging. */
const patienceMs = 30_000;

/**
 * The time until /readyz has this status, in ms.
 * @throws Error if that never happens
 */
export async function timeUntilReady(adminUrl: string, status: 200 | 503): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < patienceMs) {
    const response = await fetch(`${adminUrl}/readyz`);
    await response.arrayBuffer();
    if (response.status === status) return performance.now() - begun;
    await setTimeout(lookEveryMs);
  }
  throw new Error(`got no ${status} from /readyz in time`);
}
