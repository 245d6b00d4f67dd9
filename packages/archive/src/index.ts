/** The archive of messages: segments, Parquet, SQL, audit and replay. */
export { Archive, type ArchiveBalance } from './archive.ts';
export { auditFolder } from './audit.ts';
export type { TakeCount } from './count-tables.ts';
export { readHolder } from './holder.ts';
export { MessageKeeper } from './keep.ts';
export {
  archivedKey,
  countKeys,
  countKeysInThread,
} from './keys.ts';
export { ParquetTable, type TableColumn } from './parquet-table.ts';
export { cutOffTexts, finishImports, recoverArchive } from './recover.ts';
export { compareReplay } from './replay/compare.ts';
export { countName } from './replay/count.ts';
export { differenceText } from './replay/difference-text.ts';
export type { Difference } from './replay/differences.ts';
export {
  checkReplay,
  nothingArchived,
  planReplay,
  type ReplayPlan,
  type ReplayRequest,
} from './replay/plan.ts';
export { replay } from './replay/replay.ts';
export { type StoredWindows, storedInFolder, windowsOf } from './replay/stored.ts';
export { ArchiveSql, type SqlParts, type TextRows } from './sql.ts';
export { messageRange, type SqlRange, sqlRange } from './sql-range.ts';
export { csvText, jsonText, ndjsonText } from './sql-text.ts';
