/**
 * Installs the Debian packages that the measurements want, as `npm test` does: their services are not
 * started, or they would take part in every measurement.
 */
import { fileURLToPath } from 'node:url';
import { runProgram } from './program.ts';

const script = fileURLToPath(new URL('../../../scripts/packages.mjs', import.meta.url));
const mostMs = 900_000;

/** @throws Error where they cannot be installed */
export async function install(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  await runProgram(process.execPath, [script, ...packages], { cores: undefined, mostMs });
}
