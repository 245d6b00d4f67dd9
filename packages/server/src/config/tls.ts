/** Reads the certificates and keys of both ports. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, Reto3Error } from '@reto3/core';
import { type Config, settings } from './settings.ts';

/** Paths of PEM files, absolute or relative to the working directory. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Their contents. */
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
 * The certificate and key of a port; undefined for plain HTTP. They are validated here, so that both
 * ports refuse bad ones alike (uWebSockets.js gives no reason).
 * @throws Reto3Error RETO3_BAD_SETTING if they cannot be read or do not match
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
      `cannot use --${flags.cert} "${files.cert}" and --${flags.key} "${files.key}" for TLS: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'use a certificate chain and its unencrypted private key, both PEM',
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
