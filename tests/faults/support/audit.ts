/** Checks that a server's answers agree: three periods, one sum. */
import { ask, askInfo, askStats } from '../../support/api.ts';
import { Server, type ServerOptions } from '../../support/server.ts';
import { countsOf, rollUp, sumOf } from '../../support/windows.ts';

/**
 * All messages in the folder, after checking that each second is the sum of its ms10 windows, each
 * minute the sum of its seconds, the server's total the same, and that the server's own audit
 * passes.
 * @param from the start of a minute, at or before the first count
 * @throws Error if any of this is false
 */
export async function auditedTotal(adminUrl: string, from: number): Promise<number> {
  const range = `from=${from}&to=${Date.now() + aheadMs}&open=true`;
  const ms10 = countsOf(await askStats(adminUrl, 'ms10', range));
  const sec = countsOf(await askStats(adminUrl, 'sec', range));
  const min = countsOf(await askStats(adminUrl, 'min', range));
  // The last few seconds were added between the queries; their windows are empty by now.
  assertSame('seconds', sec, rollUp(ms10, 1_000));
  assertSame('minutes', min, rollUp(ms10, 60_000));
  const total = sumOf(ms10);
  const { messagesInAll } = await askInfo(adminUrl);
  if (total !== messagesInAll)
    throw new Error(`got ${messagesInAll} messages in all, want ${total}, the sum of the windows`);
  const audit = await ask(adminUrl, '/v1/audit');
  if (!audit.ok) throw new Error(`got an audit that fails: ${JSON.stringify(audit)}`);
  return total;
}

/** `auditedTotal` of the next server on a folder; the server stops again. */
export async function totalAfterRestart(options: ServerOptions, from: number): Promise<number> {
  const server = await Server.start(options);
  const total = await auditedTotal(server.adminUrl, from);
  await server.stop();
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
