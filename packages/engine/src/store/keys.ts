/**
 * All keys in the database: sublevels and the keys in them, drawn in docs/format.md.
 *
 * The key of a row of windows is its start in epoch milliseconds, as 6 bytes big-endian, so that
 * keys sort by time (until the year 10889).
 */
import { largestTime, type PeriodName } from '@reto3/core';

const keyBytes = 6;

/** The sublevel of each kind of row. */
export const sublevelNames = {
  meta: 'meta',
  journal: 'journal',
  ms10: 'ms10',
  sec: 'sec',
  min: 'min',
  report: 'report',
  part: 'part',
} as const satisfies Record<PeriodName | 'meta' | 'journal' | 'report' | 'part', string>;

/** The rows of the sublevel meta: of the node, of unsaved time ranges, of a merger. */
export const metaKeys = { node: 'node', gone: 'gone', merge: 'merge' } as const;

type SublevelName = keyof typeof sublevelNames;

/** Series of rows of windows: the blocks of a period, or journal rows. */
export type Series = PeriodName | 'journal';

/** Encodes an epoch time in ms as a key, as an encoding of abstract-level. */
export const timeKey = {
  name: 'reto3-time',
  format: 'view',
  encode(timeMs: number): Uint8Array {
    if (!Number.isInteger(timeMs) || timeMs < 0 || timeMs > largestTime) {
      throw new RangeError(
        `got the time ${timeMs}, want a whole number of ms from 0 to ${largestTime}`,
      );
    }
    const key = new Uint8Array(keyBytes);
    const view = new DataView(key.buffer);
    view.setUint16(0, Math.floor(timeMs / 2 ** 32));
    view.setUint32(2, timeMs % 2 ** 32);
    return key;
  },
  /** 0 for a key of another length, which is damage: the checksum of its row will not match. */
  decode(key: Uint8Array): number {
    if (key.length !== keyBytes) return 0;
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    return view.getUint16(0) * 2 ** 32 + view.getUint32(2);
  },
} as const;

/** The key of a node's part of a minute (epoch ms): the time, then the name of the node. */
export function partKey(timeMs: number, node: string): Uint8Array {
  return Buffer.concat([timeKey.encode(timeMs), Buffer.from(node, 'latin1')]);
}

/** The minute and the node of a key of `partKey`. */
export function partOf(key: Uint8Array): { readonly start: number; readonly part: string } {
  const name = key.subarray(keyBytes);
  const part = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
  return { start: timeKey.decode(key.subarray(0, keyBytes)), part };
}

const prefixes = new Map(
  Object.values(sublevelNames).map((name) => [name, Buffer.from(`!${name}!`, 'latin1')] as const),
);

/**
 * The key of a row with the prefix of its sublevel, as abstract-level makes it. Writes do not use
 * abstract-level for this, since that takes longer than the write itself.
 */
export function wholeKey(level: SublevelName, key: Uint8Array): Uint8Array {
  const prefix = prefixes.get(level);
  if (prefix === undefined) throw new Error(`BUG: there is no sublevel ${level}`);
  const whole = Buffer.allocUnsafe(prefix.length + key.length);
  whole.set(prefix);
  whole.set(key, prefix.length);
  return whole;
}

/** The name of a row, which its checksum covers: series, then time. */
export function rowName(series: Series, timeMs: number): Uint8Array {
  return Buffer.from(`${series}@${timeMs}`, 'latin1');
}
