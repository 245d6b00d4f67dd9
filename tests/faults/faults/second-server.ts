/** Starts a second server on a running server's folder or port, under load. */

import { startCli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server, serveArgs } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import { waitUntil, within } from '../../support/wait.ts';
import type { Fault } from '../fault.ts';
import { auditedTotal } from '../support/audit.ts';

const refusesWithinMs = 1_000;

export const secondServer: Fault = {
  name: 'second-server',
  promise: 'a folder and a port have one owner',
  fault: 'a second server on the same folder, and one on the same port',
  rounds: 10,
  async run(rounds) {
    const from = thisMinute();
    const dataDir = await temporaryFolder();
    const first = await Server.start({ dataDir });
    // A load light enough that a process starts within a second.
    const load = Load.start({ port: first.port, connections: 8, depth: 1 });
    await waitUntil('the load runs', () => load.answered > 1_000);
    let slowestMs = 0;
    let wrong = 0;
    const refused = async (args: readonly string[], reason: string): Promise<void> => {
      const begun = performance.now();
      const second = startCli(args);
      const { code } = await within('a refusal', 20_000, second.exited);
      slowestMs = Math.max(slowestMs, performance.now() - begun);
      if (code !== 1 || !second.stderr.includes(reason)) wrong++;
    };
    for (let round = 0; round < rounds; round++) {
      await refused(serveArgs({ dataDir }), 'another server holds it');
      const elsewhere = await temporaryFolder();
      await refused(
        serveArgs({ dataDir: elsewhere, port: first.port }),
        'another process listens there',
      );
    }
    const { broken } = load;
    await load.stop();
    const total = await auditedTotal(first.adminUrl, from);
    const lost = load.sent - Math.min(load.answered, total);
    if (total > load.sent) throw new Error(`counted ${total} of ${load.sent} that were sent`);
    await first.stop();
    return {
      runs: `${rounds} + ${rounds}`,
      figure:
        `slowest refusal: ${slowestMs.toFixed(0)} ms, not refused: ${wrong}; the first server ` +
        `lost ${lost} of ${load.sent} requests and ${broken} connections`,
      pass: slowestMs <= refusesWithinMs && wrong === 0 && lost === 0 && broken === 0,
    };
  },
};
