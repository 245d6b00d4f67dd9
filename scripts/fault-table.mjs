/** Runs a table of faults: `npm run faults`, `npm run cluster-faults`. */
import { runTable } from './table.mjs';

/** The prefix of the names of mounts and namespaces that the tests make. */
const device = `reto3-faults-${process.pid}`;

/**
 * @param {{
 *   config: string, programs: Record<string, string>, numbers?: string[],
 *   cleanUp: (device: string) => void
 * }} table `numbers` are the flags besides --only and --rounds; `cleanUp` removes everything named
 * after the device
 */
export function runFaultTable({ config, programs, numbers = [], cleanUp }) {
  // Ctrl-C ends Vitest before it can clean up. Servers end with the terminal; mounts do not.
  process.on('SIGINT', () => process.exit(130));
  process.on('exit', () => cleanUp(device));
  runTable({
    config,
    programs,
    prefix: 'RETO3_FAULTS',
    numbers: ['rounds', ...numbers],
    environment: { RETO3_FAULTS_DEVICE: device },
  });
}
