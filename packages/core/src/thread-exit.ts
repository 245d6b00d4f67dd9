import type { Worker } from 'node:worker_threads';

/**
 * Resolves when a thread has exited, even with an error. `once` of node:events rejects in that
 * case, and an unhandled rejection ends the process.
 */
export function threadExit(thread: Worker): Promise<void> {
  return new Promise((resolve) => void thread.once('exit', () => resolve()));
}
