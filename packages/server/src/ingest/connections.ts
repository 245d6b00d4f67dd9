/**
 * How many connections the workers may hold: as many as the process may have open files, minus what
 * its other parts need. Without this bound, clients that merely connect would take every file
 * descriptor, and LevelDB could open no file.
 */

/**
 * LevelDB keeps up to 1,000 tables open and the query API 500 connections; the archive, the log and
 * the threads need the rest.
 */
const reservedDescriptors = 1_700;

/** How many file descriptors this process may have open; Infinity if the system sets no limit. */
export function descriptorLimit(): number {
  // The types of Node.js omit the content of the report.
  const report: { userLimits?: { open_files?: { soft?: unknown } } } = process.report.getReport();
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/**
 * The connections that each worker may hold. If descriptors are scarce, workers get half of them.
 */
export function connectionsPerWorker(descriptors: number, workers: number): number {
  const all = Math.max(descriptors - reservedDescriptors, Math.floor(descriptors / 2));
  return Math.max(1, Math.floor(all / workers));
}
