/** Checks that a server's answers agree: three periods, one sum. */
import { ask, askInfo, askStats } from '../../support/api.ts';
import { climb, countsOf, sumOf } from '../../support/windows.ts';

/**
 * All that the folder holds, after a check that each second is the sum of its ms10 windows, each
 * minute of its seconds, that the server knows no other total, and that its own audit holds.
 * @param from not after the first count, at the start of a minute
 * @throws Error where it does not agree with itself
 */
export async function auditedTotal(adminUrl: string, from: number): Promise<number> {
  const range = `from=${from}&to=${Date.now() + aheadMs}&open=true`;
  const ms10 = countsOf(await askStats(adminUrl, 'ms10', range));
  const sec = countsOf(await askStats(adminUrl, 'sec', range));
  const min = countsOf(await askStats(adminUrl, 'min', range));
  // Windows of the last few seconds came up between the questions; they hold nothing by now.
  assertSame('seconds', sec, climb(ms10, 1_000));
  assertSame('minutes', min, climb(ms10, 60_000));
  const total = sumOf(ms10);
  const { messagesInAll } = await askInfo(adminUrl);
  if (total !== messagesInAll)
    throw new Error(`got ${messagesInAll} messages in all, want ${total}, the sum of the windows`);
  const audit = await ask(adminUrl, '/v1/audit');
  if (!audit.ok) throw new Error(`got an audit that fails: ${JSON.stringify(audit)}`);
  return total;
}

/** A clock that stepped forward leaves windows in the future. */
const aheadMs = 2 * 3_600_000;

function assertSame(what: string, got: Iterable<[number, number]>, want: Map<number, number>) {
  for (const [start, count] of got) {
    const wanted = want.get(start) ?? 0;
    want.delete(start);
    if (count !== wanted)
      throw new Error(
        `got ${count} at ${new Date(start).toISOString()} in ${what}, want ${wanted}`,
      );
  }
  for (const [start, count] of want) {
    if (count > 0)
      throw new Error(`got nothing at ${new Date(start).toISOString()} in ${what}, want ${count}`);
  }
}
