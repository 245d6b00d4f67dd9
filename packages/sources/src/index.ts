/** Logs of other programs as counts: formats, and reading them without a data folder. */
export { formats } from './formats/formats.ts';
export { importLog, type OpenKeeper } from './import-log.ts';
export { countLogKeys } from './log-keys.ts';
export {
  type LogCounts,
  type LogOptions,
  type LogSummary,
  readingOf,
  readLogs,
} from './read-log.ts';
export { summaryLines } from './summary-text.ts';
