/** The doctor, which loads the rest of the engine only where a folder holds counts. */
export { examine } from './examine.ts';
export type { Finding } from './finding.ts';
