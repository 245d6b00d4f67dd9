/**
 * Resolves the configuration: flags beat environment beats file beats default. settings.ts has the
 * rules for single settings; this file has those for combinations.
 */
import { isIP } from 'node:net';
import { Reto3Error } from '@reto3/core';
import type { TextsInFile } from './config-file.ts';
import { environmentVariableOf, type Setting } from './setting.ts';
import { InvalidValue } from './setting-values.ts';
import { type Config, settings } from './settings.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings one at a time; flags beat environment beats file beats default.
 * @param flags by flag name without dashes, as written on the command line
 */
export function settingReader(flags: Texts, environment: Texts, file: TextsInFile = {}) {
  /** The flag, variable or line that a value comes from, and its text. */
  function find(setting: Pick<Setting<unknown>, 'flag' | 'fallback' | 'secret'>) {
    const variable = environmentVariableOf(setting);
    const fromFlag = flags[setting.flag];
    // Compose files use an empty variable for "not set".
    const fromEnvironment = environment[variable] === '' ? undefined : environment[variable];
    const inFile = file[setting.flag];
    if (fromFlag === undefined && fromEnvironment !== undefined)
      return found(variable, fromEnvironment);
    if (fromFlag === undefined && inFile !== undefined)
      return found(setting.flag, inFile.text, ` in ${inFile.place}`);
    return found(`--${setting.flag}`, fromFlag ?? setting.fallback);

    function found(name: string, text: string | undefined, place = '') {
      const value = setting.secret ? '' : ` "${text}"`;
      return { origin: `${name}${place}`, text, got: `${name}${value}${place}` };
    }
  }
  /** @throws Reto3Error RETO3_BAD_SETTING */
  function read<T>(setting: Setting<T>): T;
  function read<T>(setting: Setting<T | undefined>): T | undefined {
    const { text, got } = find(setting);
    if (text === undefined) return undefined;
    try {
      return setting.parse(text);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      throw new Reto3Error('RETO3_BAD_SETTING', `got ${got}, want ${error.message}`);
    }
  }
  return { find, read };
}

/**
 * Reads all settings and checks their combinations.
 * @param flags by flag name without dashes, as written on the command line
 * @throws Reto3Error RETO3_BAD_SETTING that names the flag, variable or line
 */
export function resolveConfig(flags: Texts, environment: Texts, file: TextsInFile = {}): Config {
  const { find, read } = settingReader(flags, environment, file);
  // Each setting's parser returns the type that `Config` has under its name.
  const config = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, read<unknown>(setting)]),
  ) as Config;
  assertAdminClosed(config, find(settings.adminHost).got);
  assertTogether('tlsCert', 'tlsKey');
  assertTogether('tlsKey', 'tlsCert');
  assertTogether('adminTlsCert', 'adminTlsKey');
  assertTogether('adminTlsKey', 'adminTlsCert');
  assertLongerKept('retainMs10', 'retainSec');
  assertLongerKept('retainSec', 'retainMin');
  if (config.role !== 'both') assertTogether('role', 'nats');
  if (config.natsGroup !== undefined && config.role !== 'merge')
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${find(settings.natsGroup).got} with --role "${config.role}", want --role merge: a node publishes into the stream of its own group`,
    );
  assertTogether('natsUser', 'natsPasswordFile');
  assertTogether('natsPasswordFile', 'natsUser');
  assertTogether('natsCert', 'natsKey');
  assertTogether('natsKey', 'natsCert');
  if (config.alertUrlFile === undefined) assertTogether('alert', 'alertUrl');
  for (const name of ['alertUrl', 'alertUrlFile', 'alertTokenFile'] as const)
    assertTogether(name, 'alert');
  assertNotBoth('alertUrl', 'alertUrlFile');
  const ofCluster = config.alert?.find(({ scope }) => scope === 'cluster');
  if (ofCluster !== undefined && (config.nats === undefined || config.role === 'ingest'))
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --alert "${ofCluster.text}", want --nats and --role both or merge with it: only such a server adds up the cluster`,
    );
  if (config.tail !== undefined && config.role === 'merge') {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      'got --tail with --role "merge", want --role ingest or both: a server that only merges counts nothing itself',
    );
  }
  return config;

  function assertNotBoth(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] === undefined) return;
    const [one, two] = [find(settings[name]).origin, find(settings[other]).origin];
    throw new Reto3Error('RETO3_BAD_SETTING', `got ${one} and ${two}, want one of them`);
  }

  /** Checks that a setting which needs another one has it. */
  function assertTogether(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] !== undefined) return;
    const { got } = find(settings[name]);
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got} alone, want --${settings[other].flag} with it`,
    );
  }

  /** Longer periods verify the shorter ones, so they must not be deleted first. */
  function assertLongerKept(shorter: RetainName, longer: RetainName): void {
    if (config[shorter] <= config[longer]) return;
    const [got, min] = [find(settings[longer]), find(settings[shorter])];
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got.got}, want at least ${min.origin}, which is "${min.text}"`,
    );
  }
}

type RetainName = 'retainMs10' | 'retainSec' | 'retainMin';

function assertAdminClosed(config: Config, got: string): void {
  if (isLoopback(config.adminHost) || config.adminOpen || config.adminTokenFile !== undefined)
    return;
  throw new Reto3Error(
    'RETO3_BAD_SETTING',
    `got ${got}, which others may reach, want --admin-token-file or --admin-open with it`,
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
