/**
 * The door to the doctor, which loads the rest of the engine only for a folder that holds counts.
 */
export { examine } from './examine.ts';
export type { Finding } from './finding.ts';
