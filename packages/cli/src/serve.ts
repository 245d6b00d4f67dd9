/** Runs `reto3 serve`: a server that runs until a signal stops it. */

import { messageOf } from '@reto3/core';
import type { ServerLog } from '@reto3/server';
import type { Config } from '@reto3/server/settings';
import { exitCode } from './exit-code.ts';
import { keepFilesPrivate } from './private-files.ts';
import { exitBySignal, firstStopSignal } from './stop-signals.ts';
import { ignoreStdoutFailures } from './terminal/standard-streams.ts';

/**
 * Never resolves: the process exits, with 0 after a clean stop.
 * @throws Reto3Error if the server cannot start
 */
export async function serve(config: Config): Promise<never> {
  keepFilesPrivate();
  ignoreStdoutFailures();
  let flushLog: ServerLog['flush'] | undefined;
  // Installed first, so that a signal during the start waits until the start is complete.
  const signal = firstStopSignal(process, (again) => {
    flushLog?.();
    exitBySignal(again, exitCode.failed);
  });
  // Loaded here, because no other command needs a server.
  const [{ startServer }, { createLog }] = await Promise.all([
    import('@reto3/server'),
    import('@reto3/server'),
  ]);
  const serverLog = await createLog(config.logLevel);
  const { log } = serverLog;
  flushLog = serverLog.flush;
  const server = await startServer(config, serverLog, (error) => {
    log.fatal({ err: error }, `reto3 cannot continue: ${error.message}`);
    process.exit(exitCode.failed);
  });

  log.info(
    `reto3 got ${await signal} and is stopping; send it again after a second to exit at once`,
  );
  try {
    await server.stop();
  } catch (error) {
    log.fatal({ err: error }, `reto3 did not stop cleanly: ${messageOf(error)}`);
    process.exit(exitCode.failed);
  }
  process.exit(exitCode.done);
}
