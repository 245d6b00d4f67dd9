/** The counting engine: ring, coordinator, store, queries, analyses, repair and backup. */
export { findBursts } from './analysis/bursts.ts';
export { KeyTally } from './analysis/key-tally.ts';
export { openSeries, type Series, withRange } from './analysis/series.ts';
export { whatIf } from './analysis/what-if.ts';
export {
  beforeMs,
  type CountKeys,
  type KeyCount,
  type KeyCounts,
  type KeyStretch,
  leastCount,
  leastShare,
  nameCulprits,
  parseWhoKey,
  type WhoKey,
} from './analysis/who.ts';
export { type Restored, restore } from './backup/restore.ts';
export { type BackupRows, isRow, readBackup, writeBackup } from './backup/stream.ts';
export { Coordinator, type CountsView } from './coordinator/coordinator.ts';
export { FolderWriter } from './coordinator/folder-writer.ts';
export type { FlushParticipant, Written } from './coordinator/participant.ts';
export { type Expired, type Expiring, Retention } from './coordinator/retention.ts';
export type { StoredCounts } from './coordinator/stored.ts';
export { type FoundWrites, type Repair, repair } from './doctor/repair.ts';
export { journalIn } from './journal/journal-folder.ts';
export type { HeldRow } from './journal/record.ts';
export { answer, type Reply } from './query/answer.ts';
export {
  type ArchiveFound,
  type AskedRange,
  type Audit,
  type AuditCheck,
  audit,
  mostPlaces,
  type Place,
  wholeMinutes,
} from './query/audit.ts';
export { readChunks } from './query/chunks.ts';
export { DataFolder } from './query/data-folder.ts';
export { type Listener, type LiveEvent, LiveFeed, type LiveSource } from './query/live-feed.ts';
export { type Anchor, anchorIn } from './store/anchor.ts';
export type { Change } from './store/change.ts';
export { DamagedRow } from './store/codec.ts';
export { type Database, openDatabase } from './store/database.ts';
export { firstWriteFailure, isStoreFailure, readFailure } from './store/database-failure.ts';
export { holdsDatabase } from './store/database-files.ts';
export { joinStretches, type Stretch } from './store/gone.ts';
export { HeldFolder } from './store/held-folder.ts';
export { archiveFolderOf, mergerFolderOf } from './store/inner-folders.ts';
export {
  formatVersion,
  type Meta,
  neverPublished,
  newMeta,
  type Published,
  seal,
  unseal,
} from './store/meta.ts';
export { overlaid } from './store/overlaid.ts';
export { openMergersFailure } from './store/owner.ts';
export { giveArchiveToOwner } from './store/ownership.ts';
export { pack, unpack } from './store/packed.ts';
export {
  decodeRow,
  encodeRow,
  factsKey,
  factsRange,
  parseKey,
  RowEncoder,
  type RowParts,
  rowKey,
  rowMsOf,
  rowRange,
} from './store/report-rows.ts';
export { allTime, lengthOf, type Row, type RowRange } from './store/rows.ts';
export { bytesIn } from './store/size.ts';
export { StoreSnapshot } from './store/snapshot.ts';
export {
  countedOf,
  type Fingerprint,
  newSourceId,
  type SourcePosition,
  sourceRow,
} from './store/source-rows.ts';
export { Store } from './store/store.ts';
export { VerifiedSnapshot } from './store/verified.ts';
