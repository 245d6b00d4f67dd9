/** Makes certificates with openssl, as a user would. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';

interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

/** A key and a self-signed certificate for localhost and 127.0.0.1. */
export async function certificate(name: string): Promise<Certificate> {
  const folder = await temporaryFolder();
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', cert];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, '-days', '1', ...names], {
    stdio: 'ignore',
  });
  return { cert, key };
}
