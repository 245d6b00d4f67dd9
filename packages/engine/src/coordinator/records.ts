/**
 * Makes the records of the journal: the changes in memory, the rows of participants, and how far
 * the node has published.
 */
import { ms10PerSecond, sec, VarintWriter } from '@reto3/core';
import {
  encodeRecord,
  type HeldRow,
  type MinuteChanges,
  type RecordParts,
} from '../journal/record.ts';
import type { Minute } from '../ring/minute.ts';
import type { Published } from '../store/meta.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { FlushParticipant } from './participant.ts';

/** A record to be appended. */
export interface NextRecord {
  readonly sequence: number;
  /** Valid until the next record is made. */
  readonly bytes: Uint8Array;
  readonly minutes: readonly Minute[];
  readonly rows: readonly HeldRow[];
  /** Starts of the seconds that it changes, epoch ms. */
  readonly changed: readonly number[];
}

export class Records {
  readonly #minutes: OpenMinutes;
  readonly #participants: readonly FlushParticipant[];
  /** How far the node has published, as of the last record or batch. */
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
   * Makes the next record.
   * @param numbers see `RecordParts`
   * @param closing the first record of a new journal: the minutes that the checkpoint closes. Of
   * these it has the changes only, of all other open minutes everything
   * @throws Reto3Error RETO3_STORE_FAILING; errors of LevelDB
   */
  next(
    numbers: Pick<RecordParts, 'sequence' | 'synced'>,
    closing?: ReadonlySet<Minute>,
  ): NextRecord {
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
      // Windows ascend, so those of a second are adjacent.
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
    this.#published = this.published();
    const text = this.#published && JSON.stringify(this.#published);
    const isKnown = closing === undefined && text === (published && JSON.stringify(published));
    const parts = { ...numbers, minutes: changes, rows, published: isKnown ? undefined : text };
    const bytes = encodeRecord(parts, this.#writer.clear());
    return { sequence: numbers.sequence, bytes, minutes, rows, changed };
  }

  /** How far the node has published. */
  published(): Published | undefined {
    let published: Published | undefined;
    for (const one of this.#participants) published = one.published?.() ?? published;
    return published ?? unseen(this.#published);
  }
}

/** Without a publisher nobody tracks which rows of reports change, so all of them may have. */
function unseen(published: Published | undefined): Published | undefined {
  if (published?.reports === undefined) return published;
  return { ...published, reports: { ...published.reports, through: 0 } };
}
