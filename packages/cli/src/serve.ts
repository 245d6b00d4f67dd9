/** Runs a server until a signal stops it. */
import type { Config } from '@reto3/server/config';
import { exitCode, messageOf } from '@reto3/server/errors';

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Resolves never: the process exits, 0 after a clean stop.
 * @throws Reto3Error if the server cannot start
 */
export async function serve(config: Config): Promise<never> {
  // Loaded only here: the other commands have no use for a server.
  const [{ startServer }, { createLog }] = await Promise.all([
    import('@reto3/server/main'),
    import('@reto3/server/log'),
  ]);
  const log = await createLog(config.logLevel);
  // A signal that comes while the server starts is kept until it can be stopped cleanly.
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of stopSignals) process.once(name, resolve);
  });
  const server = await startServer(config, log, (error) => {
    log.fatal({ err: error }, `reto3 cannot go on: ${error.message}`);
    process.exit(exitCode.failed);
  });

  log.info(`reto3 got ${await signal} and is stopping; a second signal leaves at once`);
  for (const name of stopSignals) process.once(name, () => process.exit(exitCode.failed));
  try {
    await server.stop();
  } catch (error) {
    log.fatal({ err: error }, `reto3 could not write everything: ${messageOf(error)}`);
    process.exit(exitCode.failed);
  }
  process.exit(exitCode.done);
}
