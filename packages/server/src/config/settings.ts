/**
 * Every setting of the server, in one table. The type `Config`, the flags, the environment variables,
 * the help and the table in docs/settings.md are derived from it.
 */
import type { Setting, ValuesOf } from './setting.ts';
import { alertSettings } from './settings/alert.ts';
import { archiveSettings } from './settings/archive.ts';
import { clusterSettings } from './settings/cluster.ts';
import { countingSettings } from './settings/counting.ts';
import { followSettings } from './settings/follow.ts';
import { ingestSettings } from './settings/ingest.ts';
import { logSettings } from './settings/log.ts';
import { metricsSettings } from './settings/metrics.ts';
import { queryApiSettings } from './settings/query-api.ts';

const table = {
  ...ingestSettings,
  ...queryApiSettings,
  ...countingSettings,
  ...followSettings,
  ...clusterSettings,
  ...archiveSettings,
  ...alertSettings,
  ...metricsSettings,
  ...logSettings,
};

/** The parsed settings of a server (resolve-config.ts). */
export type Config = ValuesOf<typeof table>;

export const settings: { readonly [name in keyof Config]: Setting<Config[name]> } = table;
