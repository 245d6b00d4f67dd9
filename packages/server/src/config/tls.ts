/** Certificates and keys of the ports that speak TLS: that of the requests, and the query API's. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, Reto3Error } from '@reto3/core';
import { type Config, settings } from './settings.ts';

/** Absolute paths or paths from the working folder; PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** What those files hold. */
export interface TlsPems {
  readonly cert: Buffer;
  readonly key: Buffer;
}

interface Tls {
  readonly files: TlsFiles;
  readonly pems: TlsPems;
}

/** The settings that name the files of each port. */
const settingsOf = {
  ingest: { cert: 'tlsCert', key: 'tlsKey' },
  admin: { cert: 'adminTlsCert', key: 'adminTlsKey' },
} as const;

/**
 * The certificate and key of a port; undefined where it is to speak plain HTTP. They are tried here,
 * so that both ports refuse bad ones alike (uWebSockets.js says only that it failed).
 * @throws Reto3Error RETO3_BAD_SETTING where they cannot be read, or do not belong together
 */
export async function readTls(
  config: Config,
  port: keyof typeof settingsOf,
): Promise<Tls | undefined> {
  const names = settingsOf[port];
  const files = { cert: config[names.cert], key: config[names.key] };
  if (files.cert === undefined || files.key === undefined) return undefined;
  const flags = { cert: settings[names.cert].flag, key: settings[names.key].flag };
  const pems = {
    cert: await readPem(flags.cert, files.cert),
    key: await readPem(flags.key, files.key),
  };
  try {
    createSecureContext(pems);
  } catch (error) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `cannot speak TLS with --${flags.cert} "${files.cert}" and --${flags.key} "${files.key}": ${messageOf(error)}`,
      {
        cause: error,
        hint: 'give a certificate (chain) and its unencrypted private key, both PEM',
      },
    );
  }
  return { files: { cert: files.cert, key: files.key }, pems };
}

async function readPem(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const message = `cannot read --${flag} "${file}": ${messageOf(error)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause: error });
  }
}
