import type { Worker } from 'node:worker_threads';

/**
 * Resolves when a thread has left, also one that fails: `once` of node:events would then reject, and
 * end the process where nobody waits for it yet.
 */
export function exitOf(thread: Worker): Promise<void> {
  return new Promise((resolve) => void thread.once('exit', () => resolve()));
}
