/**
 * Puts the configuration together: flags beat environment beats default. What one setting may be
 * is in settings.ts; what several must be together is here.
 */
import { isIP } from 'node:net';
import { Reto3Error } from '@reto3/core';
import { environmentVariableOf, type Setting } from './setting.ts';
import { Wanted } from './setting-values.ts';
import { type Config, settings } from './settings.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings one at a time; flags beat environment beats default.
 * @param flags by flag name without dashes, as written on the command line
 */
export function settingReader(flags: Texts, environment: Texts) {
  /** Where the value of a setting comes from, as its user knows it, and its text. */
  function find(setting: Pick<Setting<unknown>, 'flag' | 'fallback' | 'secret'>) {
    const variable = environmentVariableOf(setting);
    const fromFlag = flags[setting.flag];
    // An empty variable is how compose files say "not set".
    const fromEnvironment = environment[variable] === '' ? undefined : environment[variable];
    if (fromFlag === undefined && fromEnvironment !== undefined)
      return found(variable, fromEnvironment);
    return found(`--${setting.flag}`, fromFlag ?? setting.fallback);

    function found(origin: string, text: string | undefined) {
      return { origin, text, got: setting.secret ? origin : `${origin} "${text}"` };
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
      if (!(error instanceof Wanted)) throw error;
      throw new Reto3Error('RETO3_BAD_SETTING', `got ${got}, want ${error.message}`);
    }
  }
  return { find, read };
}

/**
 * Puts the configuration together.
 * @param flags by flag name without dashes, as written on the command line
 * @throws Reto3Error RETO3_BAD_SETTING that names the flag or variable, what was got and what is
 * wanted
 */
export function resolveConfig(flags: Texts, environment: Texts): Config {
  const { find, read } = settingReader(flags, environment);
  // The type of the table gives each name what its own parser makes.
  const config = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, read<unknown>(setting)]),
  ) as Config;
  assertAdminClosed(config, find(settings.adminHost).origin);
  assertBeside('tlsCert', 'tlsKey');
  assertBeside('tlsKey', 'tlsCert');
  assertBeside('adminTlsCert', 'adminTlsKey');
  assertBeside('adminTlsKey', 'adminTlsCert');
  assertLongerKept('retainMs10', 'retainSec');
  assertLongerKept('retainSec', 'retainMin');
  if (config.role !== 'both') assertBeside('role', 'nats');
  assertBeside('natsUser', 'natsPasswordFile');
  assertBeside('natsPasswordFile', 'natsUser');
  assertBeside('natsCert', 'natsKey');
  assertBeside('natsKey', 'natsCert');
  if (config.alertUrlFile === undefined) assertBeside('alert', 'alertUrl');
  for (const name of ['alertUrl', 'alertUrlFile', 'alertTokenFile'] as const)
    assertBeside(name, 'alert');
  assertNotBoth('alertUrl', 'alertUrlFile');
  if (config.alert !== undefined && config.role === 'merge') {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      'got --alert with --role "merge", which counts no messages of its own, want --role ingest or both',
    );
  }
  return config;

  function assertNotBoth(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] === undefined) return;
    const [one, two] = [find(settings[name]).origin, find(settings[other]).origin];
    throw new Reto3Error('RETO3_BAD_SETTING', `got ${one} and ${two}, want one of them`);
  }

  /** Some settings mean nothing without another. */
  function assertBeside(name: keyof Config, other: keyof Config): void {
    if (config[name] === undefined || config[other] !== undefined) return;
    const { got } = find(settings[name]);
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got} alone, want --${settings[other].flag} with it`,
    );
  }

  /** The minutes and seconds hold the shorter windows to account, so they must not go first. */
  function assertLongerKept(shorter: RetainName, longer: RetainName): void {
    if (config[shorter] <= config[longer]) return;
    const [got, least] = [find(settings[longer]), find(settings[shorter])];
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got ${got.origin} "${got.text}", want at least ${least.origin}, which is "${least.text}"`,
    );
  }
}

type RetainName = 'retainMs10' | 'retainSec' | 'retainMin';

function assertAdminClosed(config: Config, origin: string): void {
  if (isLoopback(config.adminHost) || config.adminOpen || config.adminTokenFile !== undefined)
    return;
  throw new Reto3Error(
    'RETO3_BAD_SETTING',
    `got ${origin} "${config.adminHost}", which others may reach, want --admin-token-file or --admin-open with it`,
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
