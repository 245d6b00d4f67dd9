/**
 * How many connections the workers may hold: as many as the process may open, less what the rest of
 * it needs. Without a bound, clients that only connect would take every file descriptor, and LevelDB
 * could open no file.
 */

/**
 * LevelDB keeps up to 1,000 tables open, the query API 500 connections; the archive, the log and the
 * threads take the rest.
 */
const reservedDescriptors = 1_700;

/** Descriptors that this process may have open; Infinity where the system sets no limit. */
export function descriptorLimit(): number {
  // The types of Node.js leave out what is in the report.
  const report: { userLimits?: { open_files?: { soft?: unknown } } } = process.report.getReport();
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/** Connections that each of so many workers may hold; where descriptors are few, half of them. */
export function connectionsPerWorker(descriptors: number, workers: number): number {
  const all = Math.max(descriptors - reservedDescriptors, Math.floor(descriptors / 2));
  return Math.max(1, Math.floor(all / workers));
}
