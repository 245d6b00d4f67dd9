/** The server's settings as flags. The server checks their values. */
import {
  type Config,
  environmentVariableOf,
  readConfigFile,
  resolveConfig,
  type Setting,
  settings,
} from '@reto3/server/settings';
import type { FlagTable, Given } from './flags.ts';

const configVariable = 'RETO3_CONFIG';

export const serveFlags: FlagTable = {
  config: {
    description: `YAML file with settings; flags and variables override it [env: ${configVariable}]`,
    value: 'FILE',
  },
  ...Object.fromEntries(
    Object.values(settings).map((setting) => {
      const { flag, value, repeatable } = setting;
      const kind = { ...(value !== undefined && { value }), ...(repeatable && { repeatable }) };
      return [flag, { description: descriptionOf(setting), ...kind }];
    }),
  ),
};

/** The summary, default and environment variable of a setting. */
export function descriptionOf(setting: Setting<unknown>): string {
  const fallback = setting.fallbackText ?? setting.fallback;
  const origin = `${fallback === undefined ? '' : `default: ${fallback}, `}env: ${environmentVariableOf(setting)}`;
  return `${setting.summary} [${origin}]`;
}

/** @throws Reto3Error RETO3_BAD_SETTING */
export async function configOf({ config, ...given }: Given<typeof serveFlags>): Promise<Config> {
  const texts = Object.entries(given).map(([flag, value]) => [flag, value?.toString()]);
  const file = config?.toString() || process.env[configVariable];
  const inFile = file ? await readConfigFile(file) : {};
  return resolveConfig(Object.fromEntries(texts), process.env, inFile);
}
