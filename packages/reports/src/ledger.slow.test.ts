import { periods } from '@reto3/core';
import { expect, it } from 'vitest';
import { builtInReports } from './built-in/built-in.ts';
import type { Report } from './contract.ts';
import { Ledger } from './ledger.ts';
import { newMessage } from './message.ts';
import { maxWindows, WorkerReports } from './worker-reports.ts';

const arrivedMs = Date.UTC(2026, 10, 29);

/** A report by the messages' own time stamps, in all three periods. */
function generatedReport(): Report {
  const found = builtInReports.get('generated');
  if (found === undefined) throw new Error('it is not there');
  return { ...found, periods: ['ms10', 'sec', 'min'] };
}

/** A message generated this many minutes before it arrived. */
function madeBefore(minutes: number) {
  const stamp = new Date(arrivedMs - minutes * periods.min.windowMs).toISOString();
  const body = Buffer.from(`value=${stamp.replace('T', ' ').replace('Z', '000')}`);
  return newMessage({ arrivedMs, method: 'post', body });
}

it('stays within its limit of rows, whatever times clients choose in every worker and flush', () => {
  const report = generatedReport();
  const failures: string[] = [];
  const ledger = new Ledger(
    report,
    { readReport: () => undefined },
    { failed: (reason) => failures.push(reason), damaged: () => undefined },
    performance.now(),
  );
  const workers = Array.from({ length: 2 }, () => new WorkerReports([report], 2));
  let minutes = 0;
  for (let flush = 0; flush < 2; flush++) {
    for (const worker of workers) {
      for (let message = 0; message < maxWindows; message++)
        worker.add(madeBefore(minutes++ % 43_000));
      for (const { parts } of worker.drain().parts) ledger.merge(parts);
    }
    ledger.changes();
  }
  // On a slow machine, the time budget may switch the report off; the limit of rows must not.
  expect(failures.filter((reason) => reason.includes('rows in memory'))).toEqual([]);
});
