/** When /readyz changes its mind. */
import { setTimeout } from 'node:timers/promises';

const lookEveryMs = 20;
/** Beyond every promise, so that a server that never comes back is a figure and not a hang. */
const patienceMs = 30_000;

/** How long until /readyz has that status, in ms. @throws Error if it never does */
export async function timeUntilReady(adminUrl: string, status: 200 | 503): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < patienceMs) {
    const response = await fetch(`${adminUrl}/readyz`);
    await response.arrayBuffer();
    if (response.status === status) return performance.now() - begun;
    await setTimeout(lookEveryMs);
  }
  throw new Error(`cannot wait any longer until /readyz answers ${status}`);
}
