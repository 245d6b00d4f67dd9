/** Under any load, every answered message is in exactly one window of each period. */
import { describe, expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { printPeriods, thisMinute } from '../support/stats.ts';
import { runTsung } from '../support/tsung.ts';
import { expectNoGap, expectPeriodsAgree, sumOf } from '../support/windows.ts';

const withTsung = requires('tsung');
const tsungSeconds = 10;
const pipelined = 1_000_000;

describe("the counts of all three periods equal the client's", () => {
  withTsung("with the challenge's load: Tsung, 5,000 requests/s", async () => {
    const from = thisMinute();
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const tsung = await runTsung(server.port, tsungSeconds);
    const { ms10, sec, min } = await printPeriods(server, from);
    figure('tsung: messages', tsung.messages);
    figure('tsung: messages a second', tsung.meanRate);
    expect(tsung.complete).toBe(true);
    expect(tsung.messages).toBeGreaterThan(0);
    expect([ms10, sec, min].map(sumOf)).toEqual(Array(3).fill(tsung.messages));
    expectPeriodsAgree(ms10, sec, min);
  });

  test.each([1, 2, 4])('with pipelined requests over %i workers', async (workers) => {
    const from = thisMinute();
    const server = await Server.start({
      dataDir: await temporaryFolder(),
      flags: ['--workers', String(workers)],
    });
    const begun = performance.now();
    const load = Load.start({
      port: server.port,
      connections: 4 * workers,
      depth: 64,
      requests: pipelined,
    });
    await load.done;
    const seconds = (performance.now() - begun) / 1_000;
    figure(`pipelined, ${workers} workers: messages a second`, Math.round(pipelined / seconds));

    const { ms10, sec, min } = await printPeriods(server, from);
    expect(load.answered).toBe(pipelined);
    expect([ms10, sec, min].map(sumOf)).toEqual(Array(3).fill(pipelined));
    expectPeriodsAgree(ms10, sec, min);
    expectNoGap(ms10, 10);
    const info = await askInfo(server.adminUrl);
    expect(info.messagesSinceStart).toBe(pipelined);
    expect(info.messagesByWorker).toHaveLength(workers);

    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.loggedMessages).toBe(pipelined);
  });
});
