/** What a server can be told: settings, and how they are read. Loads no server. */
export { resolveConfig, settingReader } from './resolve-config.ts';
export { environmentVariableOf, type Setting } from './setting.ts';
export { type Config, settings } from './settings.ts';
