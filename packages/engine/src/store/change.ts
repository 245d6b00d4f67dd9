/** The changes of one write, and their form in LevelDB. */
import type { Windows } from '@reto3/core';
import { encodeWindows } from './codec.ts';
import { encodeGone, type Gone } from './gone.ts';
import { metaKeys, partKey, rowName, type Series, timeKey, wholeKey } from './keys.ts';
import { encodeMeta, type Meta } from './meta.ts';
import type { EncodedRow } from './rows.ts';

/** One row to write or to delete; times are epoch ms. A write is a list of them. */
export type Change =
  | { readonly put: Series; readonly start: number; readonly windows: Windows }
  | ({ readonly put: Series } & EncodedRow)
  | { readonly delete: Series; readonly start: number }
  /** A row of a report or of a source; `report` is its key (report-rows.ts, source-rows.ts). */
  | { readonly report: Uint8Array; readonly bytes: Uint8Array }
  | { readonly meta: Meta }
  | { readonly gone: Gone }
  /** What a merger has of a minute of a node; `part` is the name of the node. */
  | { readonly part: string; readonly start: number; readonly bytes: Uint8Array }
  /** The state of a merger, as text. */
  | { readonly merge: string };

type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

const wholeMetaKey = wholeKey('meta', Buffer.from(metaKeys.node));
const wholeGoneKey = wholeKey('meta', Buffer.from(metaKeys.gone));
const wholeMergeKey = wholeKey('meta', Buffer.from(metaKeys.merge));

/** The change as LevelDB takes it. @throws RangeError for a time or count that cannot be stored */
export function operationOf(change: Change): Operation {
  if ('meta' in change)
    return { type: 'put', key: wholeMetaKey, value: Buffer.from(encodeMeta(change.meta)) };
  if ('gone' in change)
    return { type: 'put', key: wholeGoneKey, value: Buffer.from(encodeGone(change.gone)) };
  if ('merge' in change)
    return { type: 'put', key: wholeMergeKey, value: Buffer.from(change.merge) };
  if ('report' in change)
    return { type: 'put', key: wholeKey('report', change.report), value: change.bytes };
  if ('part' in change) {
    const key = wholeKey('part', partKey(change.start, change.part));
    return { type: 'put', key, value: change.bytes };
  }
  const series = 'delete' in change ? change.delete : change.put;
  const key = wholeKey(series, timeKey.encode(change.start));
  if ('delete' in change) return { type: 'del', key };
  const value =
    'bytes' in change ? change.bytes : encodeWindows(change.windows, rowName(series, change.start));
  return { type: 'put', key, value };
}
