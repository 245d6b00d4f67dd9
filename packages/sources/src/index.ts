/** Logs of other programs as counts: formats, and reading them without a data folder. */
export { Follow } from './follow/follow.ts';
export { formats } from './formats/formats.ts';
export { importLog, type OpenKeeper } from './import-log.ts';
export { countLogKeys } from './log-keys.ts';
export type { LogSummary } from './log-summary.ts';
export type { LogOptions } from './plan.ts';
export { type LogCounts, readingOf, readLogs } from './read-log.ts';
export { summaryLines } from './summary-text.ts';
