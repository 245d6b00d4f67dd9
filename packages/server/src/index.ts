/** A server: configuration, log, HTTP ingest, query API, alerts, and the start that joins them. */
export { createLog, type ServerLog } from './log/log.ts';
export { startServer } from './main.ts';
