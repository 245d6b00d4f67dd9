/**
 * Counts of ms10 windows in memory, whatever the order of the messages.
 *
 * An hour with messages is a column of 360,000 numbers. There are 32 places for columns (46 MB);
 * hour h uses place h mod 32. Messages whose place is taken by another hour wait in a list. When the
 * list is full, everything is packed and all places become free. A million messages share that cost,
 * whether a log moves on to later hours or is in random order over a year.
 *
 * A packed hour has two varints per window with messages: the windows skipped, and the count. That
 * is two or three bytes per message, and at most a few bytes per window. 2 GB of log need about
 * 50 MB besides the columns, in any order, so nothing is spilled to disk.
 */
import { min, ms10, VarintReader, VarintWriter } from '@reto3/core';

const windowsPerHour = 360_000;
const windowsPerMinute = ms10.blockWindows;
const minutesPerHour = windowsPerHour / windowsPerMinute;
const usualPlaces = 32;
/** Sorting them takes 8 MB, and 0.1 s. */
const usualPutBy = 1 << 20;
const nobody = -1;

export class WindowCounts {
  /** By hour since the epoch. */
  readonly #packed = new Map<number, Uint8Array>();
  readonly #places: number;
  /** The hour that has a place, or nobody. */
  readonly #hours: Float64Array;
  readonly #columns: Uint32Array[] = [];
  /** Windows since the epoch, one for each message. */
  readonly #putBy: Float64Array;
  #putByCount = 0;
  /** The packed hour that was read last. */
  readonly #read = { hour: nobody, column: new Uint32Array(0) };

  constructor(places = usualPlaces, mostPutBy = usualPutBy) {
    this.#places = places;
    this.#hours = new Float64Array(places).fill(nobody);
    this.#putBy = new Float64Array(mostPutBy);
  }

  /** @param timeMs epoch ms, not negative */
  add(timeMs: number): void {
    const window = Math.floor(timeMs / ms10.windowMs);
    const hour = Math.floor(window / windowsPerHour);
    const place = hour % this.#places;
    if (this.#hours[place] !== hour && !this.#take(place, hour)) {
      this.#putBy[this.#putByCount++] = window;
      if (this.#putByCount === this.#putBy.length) this.#pack();
      return;
    }
    const column = this.#columns[place];
    const index = window - hour * windowsPerHour;
    if (column !== undefined) column[index] = (column[index] ?? 0) + 1;
  }

  /** Whether the minute that starts at `startMs` has messages. */
  has(startMs: number): boolean {
    for (const counts of this.#countsOf(startMs)) {
      for (let window = 0; window < windowsPerMinute; window++)
        if (counts[window] !== 0) return true;
    }
    return false;
  }

  /** Adds the counts of the minute that starts at `startMs` to `into`. */
  addTo(startMs: number, into: Float64Array): void {
    for (const counts of this.#countsOf(startMs)) {
      for (let window = 0; window < windowsPerMinute; window++)
        into[window] = (into[window] ?? 0) + (counts[window] ?? 0);
    }
  }

  /** The columns that add up to a minute; none if its hour has no messages. */
  #countsOf(startMs: number): Uint32Array[] {
    if (this.#putByCount > 0) this.#pack();
    const minute = startMs / min.windowMs;
    const hour = Math.floor(minute / minutesPerHour);
    const place = hour % this.#places;
    const from = (minute % minutesPerHour) * windowsPerMinute;
    return [
      this.#hours[place] === hour ? this.#columns[place] : undefined,
      this.#packed.has(hour) ? this.#unpacked(hour) : undefined,
    ].flatMap((column) => column?.subarray(from, from + windowsPerMinute) ?? []);
  }

  #take(place: number, hour: number): boolean {
    if (this.#hours[place] !== nobody) return false;
    this.#hours[place] = hour;
    this.#columns[place] ??= new Uint32Array(windowsPerHour);
    return true;
  }

  #pack(): void {
    this.#read.hour = nobody;
    for (let place = 0; place < this.#places; place++) {
      const hour = this.#hours[place] ?? nobody;
      const column = this.#columns[place];
      if (hour === nobody || column === undefined) continue;
      const packed = this.#packed.get(hour);
      if (packed !== undefined) addPacked(packed, column);
      this.#packed.set(hour, pack(column));
      column.fill(0);
      this.#hours[place] = nobody;
    }
    const windows = this.#putBy.subarray(0, this.#putByCount).sort();
    for (let from = 0; from < windows.length; ) {
      const hour = Math.floor((windows[from] ?? 0) / windowsPerHour);
      const end = (hour + 1) * windowsPerHour;
      let to = from + 1;
      while (to < windows.length && (windows[to] ?? 0) < end) to++;
      const packed = this.#packed.get(hour) ?? new Uint8Array();
      this.#packed.set(hour, merge(packed, windows.subarray(from, to), hour * windowsPerHour));
      from = to;
    }
    this.#putByCount = 0;
  }

  #unpacked(hour: number): Uint32Array {
    const read = this.#read;
    if (read.hour === hour) return read.column;
    if (read.column.length === 0) read.column = new Uint32Array(windowsPerHour);
    else read.column.fill(0);
    addPacked(this.#packed.get(hour) ?? new Uint8Array(), read.column);
    read.hour = hour;
    return read.column;
  }
}

/** Writes counts in ascending order of their windows. */
class Packer {
  readonly #writer = new VarintWriter();
  /** Behind the last window that was written. */
  #end = 0;
  #window = 0;
  #count = 0;

  /** Adds to a window; it is the last one or a later one. */
  add(window: number, count: number): void {
    if (window !== this.#window) this.#write();
    this.#window = window;
    this.#count += count;
  }

  end(): Uint8Array {
    this.#write();
    // A copy: the writer's memory is twice as large.
    return new Uint8Array(this.#writer.end());
  }

  #write(): void {
    if (this.#count === 0) return;
    this.#writer.number(this.#window - this.#end).number(this.#count);
    this.#end = this.#window + 1;
    this.#count = 0;
  }
}

function pack(column: Uint32Array): Uint8Array {
  const packer = new Packer();
  for (let window = 0; window < column.length; window++) {
    const count = column[window] ?? 0;
    if (count > 0) packer.add(window, count);
  }
  return packer.end();
}

function addPacked(packed: Uint8Array, column: Uint32Array): void {
  const reader = new VarintReader(packed);
  for (let window = 0; reader.more; window++) {
    window += reader.number();
    column[window] = (column[window] ?? 0) + reader.number();
  }
}

/** @param windows ascending, one for each message; `first` is that of the hour's begin */
function merge(packed: Uint8Array, windows: Float64Array, first: number): Uint8Array {
  const packer = new Packer();
  const reader = new VarintReader(packed);
  let index = 0;
  for (let window = 0; reader.more; window++) {
    window += reader.number();
    addThrough(window);
    packer.add(window, reader.number());
  }
  addThrough(windowsPerHour);
  return packer.end();

  function addThrough(last: number): void {
    for (; index < windows.length; index++) {
      const window = (windows[index] ?? 0) - first;
      if (window > last) return;
      packer.add(window, 1);
    }
  }
}
