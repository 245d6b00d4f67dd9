/** Logs that the server is ready, where, and what its HTTP engine leaves out. */
import { limitsOf } from '../ingest/uws/load.ts';
import type { Start } from './start.ts';

export function logReady(
  { config, ingests, log }: Pick<Start, 'config' | 'ingests' | 'log'>,
  facts: { readonly ingestUrl: string; readonly adminUrl: string; readonly version: string },
): void {
  const { ingestUrl, adminUrl, version } = facts;
  log.info(
    ingests
      ? `reto3 takes requests on ${ingestUrl}, query API on ${adminUrl}`
      : `reto3 adds up the cluster, query API on ${adminUrl}`,
  );
  log.info(`dashboard: ${adminUrl}/`);
  if (!ingests) return;
  if (config.http === 'node') {
    log.info(
      `HTTP by Node.js ${version} (--http node), workers: ${config.workers}; the default, uWebSockets.js, answers three times as many requests a second`,
    );
    return;
  }
  const limits = limitsOf(version);
  if (limits !== undefined)
    log.warn(
      `uWebSockets.js ${version}: ${limits}; the newer build needs glibc 2.38 (Debian 13, Ubuntu 24.04) or the image, and --http node serves all of them`,
    );
}
