/** A server: configuration, log, ingest, query API, alerts, and their composition. */
export { createLog, type ServerLog } from './log/log.ts';
export { startServer } from './main.ts';
