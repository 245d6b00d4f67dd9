/** Runs a server until a signal stops it. */

import { messageOf } from '@reto3/core';
import type { ServerLog } from '@reto3/server';
import type { Config } from '@reto3/server/settings';
import { exitCode } from './exit-code.ts';
import { keepFilesPrivate } from './private-files.ts';
import { dieOf, firstStopSignal } from './stop-signals.ts';

/**
 * Resolves never: the process exits, 0 after a clean stop.
 * @throws Reto3Error if the server cannot start
 */
export async function serve(config: Config): Promise<never> {
  keepFilesPrivate();
  let flushLog: ServerLog['flush'] | undefined;
  // Listened to before anything else: a signal that comes during the start waits for its end.
  const signal = firstStopSignal(process, (again) => {
    flushLog?.();
    dieOf(again, exitCode.failed);
  });
  // Loaded only here: the other commands have no use for a server.
  const [{ startServer }, { createLog }] = await Promise.all([
    import('@reto3/server'),
    import('@reto3/server'),
  ]);
  const serverLog = await createLog(config.logLevel);
  const { log } = serverLog;
  flushLog = serverLog.flush;
  const server = await startServer(config, serverLog, (error) => {
    log.fatal({ err: error }, `reto3 cannot go on: ${error.message}`);
    process.exit(exitCode.failed);
  });

  log.info(`reto3 got ${await signal} and is stopping; another one after a second leaves at once`);
  try {
    await server.stop();
  } catch (error) {
    log.fatal({ err: error }, `reto3 did not stop cleanly: ${messageOf(error)}`);
    process.exit(exitCode.failed);
  }
  process.exit(exitCode.done);
}
