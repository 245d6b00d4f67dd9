/**
 * A part: what one node has of one row of a report (a second of ms10 windows, or one longer window).
 * Of each window, and of each folder that the node ever had, it keeps what the highest (boot,
 * revision) sent: a register for each window, like those of the counts (part.ts).
 */
import { VarintReader, VarintWriter } from '@reto3/core';
import { pack, unpack } from '@reto3/engine';
import { isNewer } from './part.ts';
import type { WindowPart } from './report-message.ts';

const version = 1;

/** A window of a part, and where it is from. */
export interface PartWindow extends WindowPart {
  /** Number of the window in the row. */
  readonly index: number;
  readonly lineage: number;
  readonly boot: number;
  readonly revision: number;
}

export class ReportPart {
  /** By index and lineage. */
  readonly #windows = new Map<string, PartWindow>();

  /** Takes a window, without copying its bytes, if it is newer. Returns whether it was. */
  put(window: PartWindow): boolean {
    const key = `${window.index} ${window.lineage}`;
    if (!isNewer(window, this.#windows.get(key))) return false;
    this.#windows.set(key, window);
    return true;
  }

  /** All windows from that boot or later ones. */
  windows(leastBoot: number): PartWindow[] {
    return [...this.#windows.values()].filter(({ boot }) => boot >= leastBoot);
  }

  encode(key: Uint8Array): Uint8Array {
    const writer = new VarintWriter();
    for (const window of this.#windows.values()) {
      const { index, lineage, boot, revision, tooLarge, partial, bytes } = window;
      for (const number of [index, lineage, boot, revision, tooLarge, partial ? 1 : 0])
        writer.number(number);
      writer.bytes(bytes);
    }
    return pack(version, writer.end(), key);
  }

  /** Undefined if the bytes are not those that were written under that key. */
  static decode(bytes: Uint8Array, key: Uint8Array): ReportPart | undefined {
    const part = new ReportPart();
    try {
      const reader = new VarintReader(unpack(version, bytes, key).plain);
      while (reader.more) {
        const [index, lineage] = [reader.number(), reader.number()];
        const [boot, revision] = [reader.number(), reader.number()];
        const [tooLarge, partial] = [reader.number(), reader.number() === 1];
        part.put({ index, lineage, boot, revision, tooLarge, partial, bytes: reader.bytes() });
      }
    } catch {
      return undefined;
    }
    return part;
  }
}
