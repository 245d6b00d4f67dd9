import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { threadExit } from './thread-exit.ts';

it.each([
  ['ends', ''],
  ['exits', 'process.exit(3)'],
  ['fails', 'throw new Error("of the test")'],
])('resolves when a thread %s', async (_, code) => {
  const thread = new Worker(code, { eval: true });
  const errors: unknown[] = [];
  thread.on('error', (error) => errors.push(error));
  await expect(threadExit(thread)).resolves.toBeUndefined();
  expect(errors).toHaveLength(code.startsWith('throw') ? 1 : 0);
});
