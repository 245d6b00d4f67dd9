/** The settings of a server and their parsing, without loading a server. */
export { readConfigFile } from './config-file.ts';
export { configSchema } from './config-schema.ts';
export { resolveConfig, settingReader } from './resolve-config.ts';
export { environmentVariableOf, type Setting } from './setting.ts';
export { type Config, settings } from './settings.ts';
