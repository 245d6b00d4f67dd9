/** Made logs, for tests and the bench. */
export { type MadeLog, madeLog, madeRequests } from './made-log.ts';
