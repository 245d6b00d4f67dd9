/**
 * The meta row: format version, node, boots, the current journal, and how far retention and the
 * publisher have come. Sealed JSON; docs/format.md has its fields.
 *
 * Every batch of the database contains it, so it agrees with the rows. Sealed text, a CRC-32 before
 * the text, is also what ANCHOR, TABLES and other small rows are.
 */
import { crc32 } from 'node:zlib';
import { type PeriodName, Reto3Error } from '@reto3/core';

/**
 * Raised whenever bytes on disk change their meaning; docs/format.md lists the versions. A folder
 * of an earlier version is read as it is; the first checkpoint raises its version.
 */
export const formatVersion = 4;
const oldestVersion = 1;

export interface Meta {
  readonly formatVersion: number;
  /** Name of the node that wrote last. */
  readonly node: string;
  /** How many times a server has started on this folder. */
  readonly boot: number;
  /** Random, new at each start; absent if a version before 0.2 started last. */
  readonly bootId?: string;
  /** Whether the last server stopped with everything written. */
  readonly clean: boolean;
  /** The number of the last write; records and batches are numbered together. */
  readonly writes: number;
  /** The current journal; absent if there is none. */
  readonly journal?: JournalPosition;
  /** The sum of all min blocks; absent if it must be computed. */
  readonly messages?: number;
  /** The minutes that have journal rows. */
  readonly open: readonly OpenMinute[];
  /** For each period, the end of the time that retention has deleted, epoch ms. */
  readonly deletedBefore: Readonly<Record<PeriodName, number>>;
  /** How far the node has published; absent if it was never part of a cluster. */
  readonly cluster?: Published;
}

interface JournalPosition {
  /** Of the file JOURNAL-<id>. */
  readonly id: number;
  /** Number of the last record that is certainly on disk. */
  readonly through: number;
}

/** How a node's counts reached the cluster. */
export interface Published {
  /** The name under which they were published; under another, the cluster would add them again. */
  readonly node: string;
  /** The boot that published last, and the one before it; 0 if there was none. */
  readonly boot: number;
  readonly after: number;
  /**
   * Start of the time that the boot vouches for, epoch ms; absent once the cluster has known it for
   * minutes. The next boot vouches from then on too: otherwise counts that this boot voided would
   * be valid for a cluster that never heard of this boot.
   */
  readonly vouchedFrom?: number;
  /** Of its reports; absent if none were published. */
  readonly reports?: PublishedReports;
}

/** How far a node's reports have certainly reached the cluster. */
interface PublishedReports {
  /** The first boot of this folder: other folders of the same node have other messages. */
  readonly lineage: number;
  /** Everything published by earlier boots is void; 0: nothing is. */
  readonly voids: number;
  /** All rows that start earlier were published and acknowledged, epoch ms. */
  readonly through: number;
}

/** Of a folder that was never part of a cluster. */
export const neverPublished: Published = {
  node: '',
  boot: 0,
  after: 0,
};

interface OpenMinute {
  /** Epoch ms. */
  readonly start: number;
  /** The sum of its journal rows. */
  readonly total: number;
}

/** The meta row of a new folder before its first write. */
export function newMeta(node: string): Meta {
  return {
    formatVersion,
    node,
    boot: 0,
    clean: true,
    writes: 0,
    open: [],
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
  };
}

export function encodeMeta(meta: Meta): string {
  return seal(JSON.stringify(meta));
}

/** The meta row of the same folder without a journal, in the current format version. */
export function withoutJournal({ journal: _, ...meta }: Meta): Meta {
  return { ...meta, formatVersion };
}

/** @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_VERSION */
export function decodeMeta(text: string): Meta {
  const json = unseal(text);
  if (json === undefined) {
    throw new Reto3Error(
      'RETO3_DATA_CORRUPT',
      'cannot read the data folder: the checksum of its meta row does not match',
    );
  }
  const meta: unknown = JSON.parse(json);
  const isKnown =
    isMeta(meta) && meta.formatVersion >= oldestVersion && meta.formatVersion <= formatVersion;
  if (isKnown) return meta;
  const version = versionIn(meta);
  const isLater = version !== undefined && version > formatVersion;
  throw new Reto3Error(
    'RETO3_DATA_VERSION',
    `cannot read the data folder: got ${isLater ? `format version ${version}, of a later reto3` : json}, want format version ${oldestVersion} to ${formatVersion}`,
    isLater ? { hint: 'use that reto3, or restore a backup from before the upgrade' } : {},
  );
}

/** The version, also in a row whose other fields are of a later version. */
function versionIn(meta: unknown): number | undefined {
  const found = typeof meta === 'object' && meta !== null && 'formatVersion' in meta;
  return found && typeof meta.formatVersion === 'number' ? meta.formatVersion : undefined;
}

/** Decodes how far the node had published from a journal record. */
export function readPublished(text: string): Published {
  const published: unknown = JSON.parse(text);
  if (!isPublished(published)) throw new Error(`BUG: got ${text} from a journal`);
  return published;
}

/** One name is enough: the checksum of the record proves that reto3 wrote it. */
function isPublished(value: unknown): value is Published {
  return typeof value === 'object' && value !== null && 'boot' in value;
}

/** Seals text: its CRC-32 as 8 hexadecimal digits, a space, the text. */
export function seal(text: string): string {
  return `${checksum(text)} ${text}`;
}

/** The sealed text; undefined if it is damaged. */
export function unseal(sealed: string): string | undefined {
  const space = sealed.indexOf(' ');
  const text = sealed.slice(space + 1);
  return sealed.slice(0, space) === checksum(text) ? text : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

const fields = Object.keys(newMeta(''));

/** The names are enough: the checksum proves that reto3 wrote it. */
function isMeta(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && fields.every((field) => field in value);
}
