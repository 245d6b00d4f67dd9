/** Applies certificates and tokens that are renewed while the server starts or runs. */
import { messageOf } from '@reto3/core';
import type { QueryApi } from '../api/server.ts';
import { FileWatch } from '../config/file-watch.ts';
import type { Config } from '../config/settings.ts';
import { readTls } from '../config/tls.ts';
import type { IngestWorkers } from '../ingest/workers.ts';
import type { Start } from './start.ts';

/** The files that may be renewed. */
export interface Renewables {
  readonly ingestTls: FileWatch;
  readonly adminTls: FileWatch;
  readonly adminToken: FileWatch;
  readonly alertReceiver: FileWatch;
}

/** Notes the state of the files. Call it before they are read. */
export async function noteRenewables(config: Config): Promise<Renewables> {
  const { tlsCert, tlsKey, adminTlsCert, adminTlsKey, adminTokenFile } = config;
  return {
    ingestTls: await note(tlsCert, tlsKey),
    adminTls: await note(adminTlsCert, adminTlsKey),
    adminToken: await note(adminTokenFile),
    alertReceiver: await note(config.alertUrlFile, config.alertTokenFile),
  };
}

function note(...named: readonly (string | undefined)[]): Promise<FileWatch> {
  return FileWatch.of(named.filter((file) => file !== undefined));
}

interface Renewed {
  readonly renewables: Renewables;
  readonly api: Pick<QueryApi, 'renewTls' | 'renewToken'>;
  readonly workers: Pick<IngestWorkers, 'renewTls'>;
}

/** Watches the files of both ports. */
export function watchRenewals(
  start: Pick<Start, 'config' | 'log' | 'renewals'>,
  { renewables, api, workers }: Renewed,
): void {
  const { config } = start;
  watchFiles(start, 'the certificate of the ingest port', renewables.ingestTls, async () => {
    await readTls(config, 'ingest');
    await workers.renewTls();
  });
  watchFiles(start, 'the certificate of the query API', renewables.adminTls, async () => {
    const tls = await readTls(config, 'admin');
    if (tls !== undefined) api.renewTls(tls.pems);
  });
  watchFiles(start, 'the token of the query API', renewables.adminToken, api.renewToken);
}

/**
 * Calls `renew` after each change. If a new file is unusable, logs why and keeps the old one.
 * @param what the name for the log, such as `the certificate of the ingest port`
 */
export function watchFiles(
  { log, renewals }: Pick<Start, 'log' | 'renewals'>,
  what: string,
  watch: FileWatch,
  renew: () => Promise<void>,
): void {
  const { files } = watch;
  if (files.length === 0) return;
  watch.begin(async () => {
    try {
      await renew();
      log.info({ files }, `${what} was renewed`);
    } catch (error) {
      log.error({ files }, `cannot renew ${what}: ${messageOf(error)}; the old one stays in use`);
    }
  });
  renewals.push(watch);
}
