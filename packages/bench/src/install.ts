/**
 * Installs the Debian packages that the measurements need. Like `npm test`, it does not start their
 * services, which would disturb every measurement.
 */
import { fileURLToPath } from 'node:url';
import { runProgram } from './program.ts';

const script = fileURLToPath(new URL('../../../scripts/packages.mjs', import.meta.url));
const maxMs = 900_000;

/** @throws Error if any cannot be installed */
export async function install(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  await runProgram(process.execPath, [script, ...packages], { cores: undefined, maxMs });
}
