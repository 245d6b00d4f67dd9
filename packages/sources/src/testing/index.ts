/** Made logs, for tests and the bench. */
export {
  countedWindows,
  differingWindows,
  type Tally,
  windowsOfTimes,
} from './counted-windows.ts';
export { type MadeLog, madeKind, madeLines, madeLog, madeNames } from './made-log.ts';
export { madeRequests } from './made-request.ts';
export { storedZstd } from './stored-zstd.ts';
