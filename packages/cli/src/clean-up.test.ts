import { afterEach, expect, test, vi } from 'vitest';
import { abortable, withCleanUp } from './clean-up.ts';
import { stopSignals } from './stop-signals.ts';

afterEach(() => void vi.restoreAllMocks());

/** Without a listener, a signal ends the process by its default action. */
function send(signal: NodeJS.Signals): void {
  expect(process.emit(signal)).toBe(true);
}

test.each(stopSignals)('a repeated %s does not cut the clean-up short', async (signal) => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  await withCleanUp(
    () => undefined,
    async () => {
      for (let time = 0; time < 3; time++) send(signal);
    },
  );
  expect(exit).toHaveBeenCalledWith(130);
});

test.each(stopSignals)('work that a repeated %s aborts undoes what it did', async (signal) => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  let undone = false;
  const work = abortable(async (aborted) => {
    send(signal);
    await Promise.resolve();
    send(signal);
    undone = aborted.aborted;
    throw new Error('aborted');
  });
  await expect(work).rejects.toThrow('aborted');
  expect(undone).toBe(true);
  expect(exit).toHaveBeenCalledWith(130);
});

test('signals end the process as usual after the work', async () => {
  const listeners = stopSignals.map((signal) => process.listenerCount(signal));
  await withCleanUp(
    () => undefined,
    () =>
      withCleanUp(
        () => undefined,
        async () => undefined,
      ),
  );
  await abortable(async () => undefined);
  expect(stopSignals.map((signal) => process.listenerCount(signal))).toEqual(listeners);
});
