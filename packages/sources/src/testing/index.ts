/** Made logs, for tests and the bench. */
export { type MadeLog, madeLog } from './made-log.ts';
export { madeRequests } from './made-request.ts';
