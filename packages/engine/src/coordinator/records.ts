/** Makes the records of the journal: what changed in memory, and what the participants add to it. */
import { ms10PerSecond, sec, VarintWriter } from '@reto3/core';
import { encodeRecord, type HeldRow, type MinuteChanges } from '../journal/record.ts';
import type { Minute } from '../ring/minute.ts';
import type { Published } from '../store/meta.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { FlushParticipant } from './participant.ts';

/** A record that is to be appended. */
export interface NextRecord {
  readonly sequence: number;
  /** Overwritten by the record after it. */
  readonly bytes: Uint8Array;
  readonly minutes: readonly Minute[];
  readonly rows: readonly HeldRow[];
  /** Starts of the seconds that it changes, epoch ms. */
  readonly changed: readonly number[];
}

export class Records {
  readonly #minutes: OpenMinutes;
  readonly #participants: readonly FlushParticipant[];
  /** How far the node has published, as the last record or batch has it. */
  #published: Published | undefined;
  readonly #writer = new VarintWriter();

  constructor(
    minutes: OpenMinutes,
    participants: readonly FlushParticipant[],
    published: Published | undefined,
  ) {
    this.#minutes = minutes;
    this.#participants = participants;
    this.#published = published;
  }

  /**
   * The next record.
   * @param closing the minutes that a checkpoint closes: of all others that are open it holds
   * everything; absent where no checkpoint begins
   * @throws Reto3Error RETO3_STORE_FAILING, and what LevelDB throws
   */
  next(sequence: number, closing?: ReadonlySet<Minute>): NextRecord {
    this.#minutes.loadMissing();
    const changes: MinuteChanges[] = [];
    const minutes: Minute[] = [];
    const changed: number[] = [];
    for (const minute of this.#minutes.all()) {
      if (!minute.unclosed) continue;
      const isWhole = closing !== undefined && !closing.has(minute);
      const windows = isWhole ? minute.takeAll() : minute.takeChanges();
      if (windows.length === 0) continue;
      minutes.push(minute);
      const { start, total } = minute;
      const { counts, counted, revised } = minute.ms10;
      changes.push({ start, total, windows, counts, counted, revised });
      // Windows ascend, so those of a second stand together.
      let last = -1;
      for (const window of windows) {
        const second = Math.floor(window / ms10PerSecond);
        if (second !== last) changed.push(start + second * sec.windowMs);
        last = second;
      }
    }
    const rows: HeldRow[] = [];
    for (const one of this.#participants) rows.push(...(one.rows?.() ?? []));
    const published = this.#published;
    this.#published = this.publishedWith(changed);
    const text = this.#published && JSON.stringify(this.#published);
    const isKnown = closing === undefined && text === (published && JSON.stringify(published));
    const parts = { sequence, minutes: changes, rows, published: isKnown ? undefined : text };
    const bytes = encodeRecord(parts, this.#writer.clear());
    return { sequence, bytes, minutes, rows, changed };
  }

  /**
   * How far the node has published, with a write that changes those seconds: whenever this ends,
   * they are not taken for published.
   */
  publishedWith(changed: readonly number[]): Published | undefined {
    let published: Published | undefined;
    for (const one of this.#participants) published = one.published?.() ?? published;
    published ??= unseen(this.#published);
    if (published === undefined) return undefined;
    const through = changed.reduce((least, start) => Math.min(least, start), published.through);
    return { ...published, through };
  }
}

/** While nobody publishes, nobody sees which rows of reports change: all may have. */
function unseen(published: Published | undefined): Published | undefined {
  if (published?.reports === undefined) return published;
  return { ...published, reports: { ...published.reports, through: 0 } };
}
