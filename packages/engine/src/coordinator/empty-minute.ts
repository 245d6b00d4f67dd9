/**
 * A minute that was counted throughout and had no messages. A log of a few messages a day consists
 * of such minutes, 525,600 a year. So all of them share their windows, and their ms10 block is
 * encoded once: its checksum alone differs.
 */
import {
  allocateWindows,
  joinWindows,
  ms10,
  ms10PerSecond,
  type PeriodName,
  secondsOnly,
  secondsPerMinute,
  type Windows,
} from '@reto3/core';
import { encodeWindows, renamed } from '../store/codec.ts';
import { rowName } from '../store/keys.ts';

/** What all empty minutes of a clock have in common; nobody may change it. */
interface Content extends Readonly<Record<PeriodName, Windows>> {
  /** The ms10 block of the minute at the epoch. */
  readonly block: Uint8Array;
}

const contents = new Map<boolean, Content>();

/** @param isCoarse whether the clock ticks in seconds */
function contentOf(isCoarse: boolean): Content {
  let content = contents.get(isCoarse);
  if (content === undefined) {
    const tens = allocateWindows(ms10.blockWindows);
    tens.counted.fill(isCoarse ? secondsOnly : 1);
    const sec = joinWindows(tens, ms10PerSecond);
    const min = joinWindows(sec, secondsPerMinute);
    content = { ms10: tens, sec, min, block: encodeWindows(tens, rowName('ms10', 0)) };
    contents.set(isCoarse, content);
  }
  return content;
}

export class EmptyMinute {
  /** Epoch ms. */
  readonly start: number;
  /** 6,000 windows; as `sec` and `min`, shared. */
  readonly ms10: Windows;
  /** 60 windows. */
  readonly sec: Windows;
  /** 1 window. */
  readonly min: Windows;
  readonly unreadable: readonly PeriodName[] = [];
  readonly #block: Uint8Array;

  /** @param isCoarse whether the clock that counted it ticks in seconds */
  constructor(start: number, isCoarse: boolean) {
    const content = contentOf(isCoarse);
    this.start = start;
    this.ms10 = content.ms10;
    this.sec = content.sec;
    this.min = content.min;
    this.#block = content.block;
  }

  /** Its ms10 block, as stored. */
  get block(): Uint8Array {
    return renamed(this.#block, rowName('ms10', this.start));
  }
}
