/** Reads the files that settings name, before anything starts: certificates, reports, secrets. */
import type { LoadedReport } from '@reto3/reports/load';
import type { LiveFeeds } from '../api/live-feeds.ts';
import type { FileWatch } from '../config/file-watch.ts';
import type { Config } from '../config/settings.ts';
import { readTls } from '../config/tls.ts';
import { noteRenewables, watchFiles } from './renewals.ts';
import type { Start } from './start.ts';

export async function readInputs(config: Config) {
  const renewables = await noteRenewables(config);
  return {
    renewables,
    tls: (await readTls(config, 'ingest'))?.files,
    adminTls: (await readTls(config, 'admin'))?.pems,
    startAlerts: await prepareAlerts(config, renewables.alertReceiver),
    reports: await findReports(config.report),
  };
}

/** Loads the package on demand, so that a server without reports is ready sooner. */
async function findReports(names: readonly string[] | undefined): Promise<LoadedReport[]> {
  if (names === undefined) return [];
  return (await import('@reto3/reports/load')).findReports(names);
}

/** Loads the code on demand. @throws Reto3Error RETO3_BAD_SETTING */
async function prepareAlerts(config: Config, files: FileWatch) {
  if (config.alert === undefined) return undefined;
  const [{ Alerts }, { receiverOf }] = await Promise.all([
    import('../alert/alerts.ts'),
    import('../alert/receiver.ts'),
  ]);
  const receiver = await receiverOf(config);
  const known = { rules: config.alert, receiver, node: config.node };
  return (start: Start, feeds: LiveFeeds, startedAt: number): void => {
    const { ingests, log, metrics, shutdown } = start;
    watchFiles(start, 'the receiver of alerts', files, async () => {
      Object.assign(receiver, await receiverOf(config));
    });
    const alerts = Alerts.begin({
      ...{ ...known, startedAt, log },
      feedOf: (scope) => feeds.of({ scope }).feed,
      defaultScope: ingests ? 'node' : 'cluster',
    });
    metrics.add(alerts.metrics);
    let stopped: Promise<void> | undefined;
    shutdown.add('alerts', () => {
      stopped = alerts.stop();
      // Awaited later, at the stage alertsSent; until then a rejection must not count as unhandled.
      stopped.catch(() => undefined);
    });
    shutdown.add('alertsSent', () => stopped);
  };
}
