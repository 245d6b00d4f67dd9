/**
 * The blocks that minutes are loaded from and written into, and which of them cannot be relied on.
 *
 * An hour and a day are stored as one block, and every minute that closes writes it anew. A block
 * that is damaged, or vanished, must not be made anew from the one minute in memory: the others
 * would look like time that nobody was counting. So a block that is not there is asked for at its
 * neighbours in the other series, and one that should be there is left alone until a repair, which
 * makes it of the other series. Counting goes on; what the other series hold is whole.
 */
import {
  alignDown,
  copyOf,
  type Damage,
  joinWindows,
  min,
  ms10PerSecond,
  type PeriodName,
  periods,
  sec,
  secondsPerMinute,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { Stored } from '../ring/minute.ts';
import { type Gone, holds } from '../store/gone.ts';
import type { Meta } from '../store/meta.ts';
import type { Store } from '../store/store.ts';

/** What the store has of a minute, and of which periods it may have more than could be read. */
export interface StoredMinute {
  readonly stored: Stored;
  readonly lacking: readonly PeriodName[];
}

/** What is read of a store. */
export type StoredBlocks = Pick<Store, 'readBlock' | 'hasBlock'>;

/** More than anybody reads. */
const mostDamages = 100;

export class Blocks {
  readonly #store: StoredBlocks;
  readonly #gone: Gone;
  readonly #onDamage: (damage: Damage) => void;
  readonly #damages = new Map<string, Damage>();
  /** Up to where retention has deleted each period, epoch ms. */
  deletedBefore: Meta['deletedBefore'];

  /** @param onDamage told once of each stretch */
  constructor(
    store: StoredBlocks,
    known: Pick<Meta, 'deletedBefore'> & { readonly gone: Gone },
    onDamage: (damage: Damage) => void,
  ) {
    this.#store = store;
    this.#gone = known.gone;
    this.deletedBefore = known.deletedBefore;
    this.#onDamage = onDamage;
  }

  /** Damage that was met since the start, the first hundred stretches. */
  get damages(): readonly Damage[] {
    return [...this.#damages.values()];
  }

  /** Keeps damage that somebody met. What a repair has given up is known, and no news. */
  note(damage: Damage): void {
    if (damage.gone === true) return;
    const name = `${damage.series} ${damage.from} ${damage.to}`;
    if (this.#damages.has(name) || this.#damages.size === mostDamages) return;
    this.#damages.set(name, damage);
    this.#onDamage(damage);
  }

  /** The block of a period that starts then; 'damaged' where nothing may be built on it. */
  read(period: PeriodName, start: number): Windows | undefined | 'damaged' {
    let damaged = false;
    const windows = this.#store.readBlock(period, start, (damage) => {
      damaged = true;
      this.note(damage);
    });
    if (damaged) return 'damaged';
    if (windows !== undefined || !this.#shouldBeThere(period, start)) return windows;
    const to = start + periods[period].blockMs;
    this.note({ series: period, from: start, to, reason: 'its block is missing' });
    return 'damaged';
  }

  /**
   * What the store has of a minute, epoch ms.
   * @throws Reto3Error RETO3_STORE_FAILING, and what LevelDB throws
   */
  readMinute(start: number): StoredMinute {
    const hour = alignDown(start, sec.blockMs);
    const day = alignDown(start, min.blockMs);
    const [tens, seconds, minutes] = [
      this.read('ms10', start),
      this.read('sec', hour),
      this.read('min', day),
    ];
    const stored: { [name in PeriodName]?: Windows | undefined } = {};
    const lacking: PeriodName[] = [];
    const whole =
      tens !== 'damaged' && start >= this.deletedBefore.ms10 && !holds(this.#gone.ms10, start);
    if (tens === 'damaged') lacking.push('ms10');
    else stored.ms10 = tens;
    // Where the ms10 windows are whole, the minute's part of a damaged block is what they add up to.
    if (seconds !== 'damaged') {
      const at = (start - hour) / sec.windowMs;
      stored.sec = seconds && copyOf(sliceOf(seconds, at, at + secondsPerMinute));
    } else if (whole) stored.sec = tens && joinWindows(tens, ms10PerSecond);
    else lacking.push('sec');
    if (minutes !== 'damaged') {
      const at = (start - day) / min.windowMs;
      stored.min = minutes && copyOf(sliceOf(minutes, at, at + 1));
    } else if (whole) stored.min = tens && joinWindows(tens, tens.counts.length);
    else lacking.push('min');
    return { stored, lacking };
  }

  /** Whether other series tell of a block that is not there. */
  #shouldBeThere(period: PeriodName, start: number): boolean {
    if (start < this.deletedBefore[period]) return false;
    if (period === 'min') return this.#anyBlock('sec', start, min.blockMs);
    if (period === 'sec' && this.#anyBlock('ms10', start, sec.blockMs)) return true;
    const day = alignDown(start, min.blockMs);
    const minutes = this.#store.readBlock('min', day, ignore);
    const end = start + periods[period].blockMs;
    for (let minute = start; minute < end; minute += min.windowMs) {
      if (holds(this.#gone[period], minute)) continue;
      if (minutes?.counted[(minute - day) / min.windowMs] === 1) return true;
    }
    return false;
  }

  /** Takes a few microseconds for each that is not there. */
  #anyBlock(period: PeriodName, from: number, spanMs: number): boolean {
    const { blockMs } = periods[period];
    for (let start = from; start < from + spanMs; start += blockMs)
      if (this.#store.hasBlock(period, start)) return true;
    return false;
  }
}

/** Damage of a block that is only looked into is told by whoever needs that block. */
function ignore(): void {}
