/** Reads what settings name, before anything is opened: certificates, reports, the webhook's files. */
import type { LiveFeed } from '@reto3/engine';
import type { LoadedReport } from '@reto3/reports/load';
import type { Config } from '../config/settings.ts';
import { readTls } from '../config/tls.ts';
import type { Start } from './start.ts';

export async function readInputs(config: Config) {
  return {
    tls: (await readTls(config, 'ingest'))?.files,
    adminTls: (await readTls(config, 'admin'))?.pems,
    startAlerts: await prepareAlerts(config),
    reports: await findReports(config.report),
  };
}

/** Loaded only where there are any: a server without is ready sooner. */
async function findReports(names: readonly string[] | undefined): Promise<LoadedReport[]> {
  if (names === undefined) return [];
  return (await import('@reto3/reports/load')).findReports(names);
}

/** Loaded only where there are any. @throws Reto3Error RETO3_BAD_SETTING */
async function prepareAlerts(config: Config) {
  if (config.alert === undefined) return undefined;
  const [{ Alerts }, { receiverOf }] = await Promise.all([
    import('../alert/alerts.ts'),
    import('../alert/receiver.ts'),
  ]);
  const known = { rules: config.alert, receiver: await receiverOf(config), node: config.node };
  return ({ log, metrics, shutdown }: Start, feed: LiveFeed, startedAt: number): void => {
    const alerts = Alerts.begin({ ...known, feed, startedAt, log });
    metrics.add(alerts.metrics);
    let stopped: Promise<void> | undefined;
    shutdown.add('alerts', () => {
      stopped = alerts.stop();
      // Awaited at the stage alertsSent: until then nobody takes its failure.
      stopped.catch(() => undefined);
    });
    shutdown.add('alertsSent', () => stopped);
  };
}
