/**
 * Warns about secret files that every user of the machine can read. They are not refused, since
 * Docker and Kubernetes mount secrets with modes 0444 and 0644 by default, in containers that have
 * no other users.
 */
import { stat } from 'node:fs/promises';
import type { Log } from '@reto3/core';
import { type Config, settings } from './settings.ts';

const secrets = [
  'adminTokenFile',
  'tlsKey',
  'adminTlsKey',
  'natsCreds',
  'natsPasswordFile',
  'natsTokenFile',
  'natsKey',
  'alertUrlFile',
  'alertTokenFile',
] as const satisfies readonly (keyof Config)[];

const readByOthers = 0o004;

export async function warnOfReadableSecrets(
  config: Pick<Config, (typeof secrets)[number]>,
  log: Pick<Log, 'warn'>,
): Promise<void> {
  // Windows has no such permission bits.
  if (process.platform === 'win32') return;
  for (const name of secrets) {
    const file = config[name];
    if (file === undefined) continue;
    // The code that reads the file reports a missing one.
    const mode = await stat(file).then(
      (found) => found.mode,
      () => 0,
    );
    if ((mode & readByOthers) === 0) continue;
    const permissions = (mode & 0o777).toString(8).padStart(4, '0');
    log.warn(
      { file, permissions },
      `--${settings[name].flag} "${file}" is readable by every user of this machine; run chmod o= on it`,
    );
  }
}
