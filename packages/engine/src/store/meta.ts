/**
 * What the store says of itself: format version, node, boots. One row, JSON, with a checksum like
 * all others.
 */
import { crc32 } from 'node:zlib';
import { type PeriodName, Reto3Error } from '@reto3/core';

/**
 * Raised whenever bytes on disk change their meaning; docs/format.md lists what each added. A folder
 * of an earlier version is read as it is, and becomes one of this version with the first write.
 */
export const formatVersion = 4;
const oldestVersion = 1;

export interface Meta {
  readonly formatVersion: number;
  /** Name of the node that writes here. */
  readonly node: string;
  /** How many times a server has started on this folder. */
  readonly boot: number;
  /** Random, new with each of them; absent where the last start was by a version before 0.2. */
  readonly bootId?: string;
  /** Whether the last one stopped by itself, with everything written. */
  readonly clean: boolean;
  /** How many writes the folder has had. A folder that knows of fewer than its anchor lost some. */
  readonly writes: number;
  /** The journal that the database goes on with; absent where there is none. */
  readonly journal?: JournalPosition;
  /** What all min blocks add up to; absent where nobody has added them up. */
  readonly messages?: number;
  /** The minutes of which the folder has journal rows, with what those add up to. */
  readonly open: readonly OpenMinute[];
  /** Up to where retention has deleted each period, epoch ms. */
  readonly deletedBefore: Readonly<Record<PeriodName, number>>;
  /** What it has published; absent where it never was part of a cluster. */
  readonly cluster?: Published;
}

interface JournalPosition {
  /** The file JOURNAL-<id>. */
  readonly id: number;
  /** Its records up to that number are on the disk for certain. */
  readonly through: number;
}

/** How far a node's counts are known to have reached the cluster. */
export interface Published {
  /** The name under which it was published; under another, the cluster would count it twice. */
  readonly node: string;
  /** The boot that published last, and the one before it; 0 where there was none. */
  readonly boot: number;
  readonly after: number;
  /**
   * From when on that boot vouches, epoch ms; absent where the cluster has known it for minutes. The
   * next boot vouches from then on too, or what this one voided would count if nobody was told.
   */
  readonly vouchedFrom?: number;
  /** All seconds before that were published and acknowledged, epoch ms. */
  readonly through: number;
  /** The last request to publish again that was fulfilled, by its number. */
  readonly answered: number;
  /** The same of its reports; absent where none were published yet. */
  readonly reports?: PublishedReports;
}

/** How far a node's reports are known to have reached the cluster. */
interface PublishedReports {
  /** The boot that began on this folder: other folders of that name hold other messages. */
  readonly lineage: number;
  /** What boots before that one published is void; 0: nothing is. */
  readonly voids: number;
  /** All rows that start before that were published and acknowledged, epoch ms. */
  readonly through: number;
}

/** What a folder says that never was part of a cluster. */
export const neverPublished: Published = {
  node: '',
  boot: 0,
  after: 0,
  through: 0,
  answered: 0,
};

interface OpenMinute {
  /** Epoch ms. */
  readonly start: number;
  readonly total: number;
}

/** What a new folder says of itself before its first write. */
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

/** The same folder, without its journal. */
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

/** Also of a row whose other parts are of a later version. */
function versionIn(meta: unknown): number | undefined {
  const found = typeof meta === 'object' && meta !== null && 'formatVersion' in meta;
  return found && typeof meta.formatVersion === 'number' ? meta.formatVersion : undefined;
}

/** What a record of the journal says of how far the node had published. */
export function readPublished(text: string): Published {
  const published: unknown = JSON.parse(text);
  if (!isPublished(published)) throw new Error(`BUG: got ${text} from a journal`);
  return published;
}

/** The checksum of its record says that a program of ours wrote it. */
function isPublished(value: unknown): value is Published {
  return typeof value === 'object' && value !== null && 'through' in value;
}

/** Text with its CRC-32 in front. */
export function seal(text: string): string {
  return `${checksum(text)} ${text}`;
}

/** The text that was sealed; undefined where a bit of it changed. */
export function unseal(sealed: string): string | undefined {
  const space = sealed.indexOf(' ');
  const text = sealed.slice(space + 1);
  return sealed.slice(0, space) === checksum(text) ? text : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

const fields = Object.keys(newMeta(''));

/** The checksum says that a program of ours wrote it, so names of fields are enough to tell. */
function isMeta(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && fields.every((field) => field in value);
}
