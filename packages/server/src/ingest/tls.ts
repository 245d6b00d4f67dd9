/** The certificate and key of an ingest port that speaks TLS. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config.ts';
import { messageOf, Reto3Error } from '../errors.ts';

/** Absolute paths or paths from the working folder; PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * The files that the settings name; undefined where the port is to speak plain HTTP. uWebSockets.js
 * says only that it failed, so they are tried here first.
 * @throws Reto3Error RETO3_BAD_SETTING where they cannot be read, or do not belong together
 */
export async function tlsFilesOf({ tlsCert, tlsKey }: Config): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const [cert, key] = [await readPem('tls-cert', tlsCert), await readPem('tls-key', tlsKey)];
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `cannot speak TLS with --tls-cert "${tlsCert}" and --tls-key "${tlsKey}": ${messageOf(error)}`,
      {
        cause: error,
        hint: 'give a certificate (chain) and its unencrypted private key, both PEM',
      },
    );
  }
  return { cert: tlsCert, key: tlsKey };
}

async function readPem(flag: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const message = `cannot read --${flag} "${file}": ${messageOf(error)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause: error });
  }
}
