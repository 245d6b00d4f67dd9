/** Waits with a limit, so that a missing event fails with a message instead of a hang. */
import { setTimeout } from 'node:timers/promises';

/** Far longer than anything takes; no test measures the machine with it. */
const patienceMs = 60_000;
const lookEveryMs = 5;

/**
 * Resolves when the condition is true.
 * @throws Error that names `what` if it never is
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`cannot wait any longer until ${what}`);
    await setTimeout(lookEveryMs);
  }
}

/** The value of the promise. @throws Error that names `what` if it takes longer than `limitMs` */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = setTimeout(limitMs, undefined, { signal: abort.signal }).then(
    () => Promise.reject(new Error(`got nothing within ${limitMs} ms, want ${what}`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}
