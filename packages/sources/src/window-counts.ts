/**
 * Counts of ms10 windows in memory, in whatever order their messages come.
 *
 * Minutes that are being counted are columns of 6,000 numbers; only the 1,024 that were touched last
 * (17 hours, 24 MB) are kept so. The others are packed as pairs of varints, the windows skipped and the
 * count, so a minute costs two or three bytes a message, and 12 to 18 KB at the most. 2 GB of
 * log need some 40 MB, in any order, so nothing is spilled to disk.
 */
import { alignDown, min, ms10, VarintReader, VarintWriter } from '@reto3/core';

const usualLoaded = 1_024;
const windowsPerMinute = ms10.blockWindows;

export class WindowCounts {
  readonly #packed = new Map<number, Uint8Array>();
  /** By start; the order is that of their last use. */
  readonly #loaded = new Map<number, Uint32Array<ArrayBuffer>>();
  #minute = new Uint32Array(windowsPerMinute);
  #start = Number.NaN;
  readonly #maxLoaded: number;

  constructor(maxLoaded = usualLoaded) {
    this.#maxLoaded = maxLoaded;
  }

  /** @param timeMs epoch ms, not negative */
  add(timeMs: number): void {
    const within = timeMs - this.#start;
    if (!(within >= 0 && within < min.windowMs)) {
      this.#load(alignDown(timeMs, min.windowMs));
      this.add(timeMs);
      return;
    }
    const window = Math.floor(within / ms10.windowMs);
    this.#minute[window] = (this.#minute[window] ?? 0) + 1;
  }

  /** Adds the counts of the minute that starts at `startMs` to `into`. */
  addTo(startMs: number, into: Float64Array): void {
    const loaded = this.#loaded.get(startMs);
    if (loaded !== undefined) {
      for (let window = 0; window < windowsPerMinute; window++)
        into[window] = (into[window] ?? 0) + (loaded[window] ?? 0);
      return;
    }
    const packed = this.#packed.get(startMs);
    if (packed === undefined) return;
    eachPacked(packed, (window, count) => {
      into[window] = (into[window] ?? 0) + count;
    });
  }

  #load(startMs: number): void {
    let minute = this.#loaded.get(startMs);
    if (minute === undefined) {
      const column = new Uint32Array(windowsPerMinute);
      const packed = this.#packed.get(startMs);
      if (packed !== undefined)
        eachPacked(packed, (window, count) => {
          column[window] = count;
        });
      this.#packed.delete(startMs);
      minute = column;
    }
    this.#loaded.delete(startMs);
    this.#loaded.set(startMs, minute);
    this.#minute = minute;
    this.#start = startMs;
    const [oldest] = this.#loaded;
    if (this.#loaded.size <= this.#maxLoaded || oldest === undefined) return;
    const [start, column] = oldest;
    this.#packed.set(start, pack(column));
    this.#loaded.delete(start);
  }
}

function pack(column: Uint32Array): Uint8Array {
  const writer = new VarintWriter();
  let skipped = 0;
  for (const count of column) {
    if (count === 0) {
      skipped++;
      continue;
    }
    writer.number(skipped).number(count);
    skipped = 0;
  }
  // A copy: the writer's memory is twice as large.
  return new Uint8Array(writer.end());
}

function eachPacked(packed: Uint8Array, take: (window: number, count: number) => void): void {
  const reader = new VarintReader(packed);
  for (let window = 0; reader.more; window++) {
    window += reader.number();
    take(window, reader.number());
  }
}
