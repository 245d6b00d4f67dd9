/** Runs a table of faults: `npm run faults`, `npm run cluster-faults`. */
import { runTable } from './table.mjs';

/** The prefix of all mounts and namespaces that the tests create. */
const device = `reto3-faults-${process.pid}`;

/**
 * @param {{
 *   config: string, programs: Record<string, string>, numbers?: string[],
 *   cleanUp: (device: string) => void
 * }} table `numbers` are the flags besides --only and --rounds; `cleanUp` removes everything named
 * after the device
 */
export function runFaultTable({ config, programs, numbers = [], cleanUp }) {
  // Ctrl-C ends Vitest before it can clean up. The terminal ends the servers, but not the mounts.
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
