import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { firstStopSignal, type StopSignal, stopSignals } from './stop-signals.ts';

function setUp() {
  const source = new EventEmitter();
  const impatient: StopSignal[] = [];
  const clock = { nowMs: 5_000 };
  const first = firstStopSignal(
    source,
    (signal) => impatient.push(signal),
    () => clock.nowMs,
  );
  const send = (signal: StopSignal, afterMs: number): void => {
    clock.nowMs += afterMs;
    // False if there is no listener; a process would then take the default action.
    expect(source.emit(signal, signal)).toBe(true);
  };
  return { first, impatient, send };
}

it.each(stopSignals)('stops at %s', async (signal) => {
  const { first, send } = setUp();
  send(signal, 0);
  expect(await first).toBe(signal);
});

it('takes what follows within a second for the same wish, whatever the signal', () => {
  const { impatient, send } = setUp();
  send('SIGINT', 0);
  for (const signal of stopSignals) send(signal, 2);
  send('SIGINT', 990);
  expect(impatient).toEqual([]);
});

it('takes a later SIGINT or SIGTERM for impatience', () => {
  const { impatient, send } = setUp();
  send('SIGINT', 0);
  send('SIGTERM', 1_000);
  expect(impatient).toEqual(['SIGTERM']);
});

it('goes on stopping when the terminal closes meanwhile', () => {
  const { impatient, send } = setUp();
  send('SIGINT', 0);
  send('SIGHUP', 3_000);
  expect(impatient).toEqual([]);
});
