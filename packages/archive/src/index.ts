/** Every message, kept: segments, Parquet, SQL, audit and replay. */
export { Archive, type ArchiveBalance } from './archive.ts';
export { withArchive } from './audit.ts';
export type { TakeCount } from './count-tables.ts';
export { filesIn } from './reader.ts';
export { cutOffTexts, recoverArchive } from './recover.ts';
export { countName, countReport } from './replay/count.ts';
export {
  type Compared,
  type Difference,
  differences,
  type WindowCells,
} from './replay/differences.ts';
export { archivedHours, messagesToReplay, type ReplayRange, replay } from './replay/replay.ts';
export { ArchiveSql, type SqlParts, type TextRows } from './sql.ts';
