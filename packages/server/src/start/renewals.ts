/** Applies certificates and tokens that are renewed while the server runs. */
import { messageOf } from '@reto3/core';
import type { QueryApi } from '../api/server.ts';
import { FileWatch } from '../config/file-watch.ts';
import { readTls } from '../config/tls.ts';
import type { IngestWorkers } from '../ingest/workers.ts';
import type { Start } from './start.ts';

/** Watches the files of both ports. If a new file is unusable, logs why and keeps the old one. */
export function watchRenewals(start: Start, api: QueryApi, workers: IngestWorkers): void {
  const { config } = start;
  const { tlsCert, tlsKey, adminTlsCert, adminTlsKey, adminTokenFile } = config;
  watchFiles(start, 'the certificate of the ingest port', [tlsCert, tlsKey], async () => {
    await readTls(config, 'ingest');
    await workers.renewTls();
  });
  watchFiles(start, 'the certificate of the query API', [adminTlsCert, adminTlsKey], async () => {
    const tls = await readTls(config, 'admin');
    if (tls !== undefined) api.renewTls(tls.pems);
  });
  watchFiles(start, 'the token of the query API', [adminTokenFile], api.renewToken);
}

/** @param what the name for the log, such as `the certificate of the ingest port` */
export function watchFiles(
  { log, renewals }: Pick<Start, 'log' | 'renewals'>,
  what: string,
  named: readonly (string | undefined)[],
  renew: () => Promise<void>,
): void {
  const files = named.filter((file) => file !== undefined);
  if (files.length === 0) return;
  const changed = async (): Promise<void> => {
    try {
      await renew();
      log.info({ files }, `${what} was renewed`);
    } catch (error) {
      log.error({ files }, `cannot renew ${what}: ${messageOf(error)}; the old one stays in use`);
    }
  };
  renewals.push(new FileWatch(files, changed));
}
