/**
 * A part: what one node has of one row of a report (a second of ms10 windows, one window of the
 * others). Of each window, and of each folder that the node ever had, it keeps what the highest
 * (boot, revision) said, and nothing else. So it is the same in whatever order, and however often,
 * messages come: a register for each window, like those of the counts (part.ts).
 */
import { VarintReader, VarintWriter } from '@reto3/core';
import { pack, unpack } from '@reto3/engine';
import type { WindowPart } from './report-message.ts';

const version = 1;

/** What was said of a window, and by whom. */
export interface Said extends WindowPart {
  readonly index: number;
  readonly lineage: number;
  readonly boot: number;
  readonly revision: number;
}

export class ReportPart {
  /** By number of the window in the row and lineage. */
  readonly #windows = new Map<string, Said>();

  /** Takes over what is newer than what is there; its bytes are kept. Returns whether it was. */
  put(said: Said): boolean {
    const key = `${said.index} ${said.lineage}`;
    const has = this.#windows.get(key);
    if (has !== undefined) {
      const { boot, revision } = said;
      const newer = boot > has.boot || (boot === has.boot && revision > has.revision);
      if (!newer) return false;
    }
    this.#windows.set(key, said);
    return true;
  }

  /** Everything that was said by a boot that counts. */
  windows(leastBoot: number): Said[] {
    return [...this.#windows.values()].filter(({ boot }) => boot >= leastBoot);
  }

  encode(key: Uint8Array): Uint8Array {
    const writer = new VarintWriter();
    for (const said of this.#windows.values()) {
      const { index, lineage, boot, revision, tooLarge, partial, bytes } = said;
      writer.number(index).number(lineage).number(boot).number(revision);
      writer
        .number(tooLarge)
        .number(partial ? 1 : 0)
        .bytes(bytes);
    }
    return pack(version, writer.end(), key);
  }

  /** Undefined where the bytes are not what was once written under that key. */
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
