/** The version of reto3, from the manifest of this package. */
import { createRequire } from 'node:module';

function read(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json');
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  throw new Error('BUG: the manifest has no version');
}

export const version = read();
