/** What a server can be told: settings, and how they are read. Loads no server. */
export type { Config } from './config.ts';
export { resolveConfig, settingReader } from './resolve-config.ts';
export { environmentVariableOf, type Setting, settings } from './settings.ts';
