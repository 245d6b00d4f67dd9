/**
 * Reads what an earlier server left: the journal of its open minutes, and whether all of its writes
 * are there. Writes nothing.
 */
import { min, ms10, type OnDamage, Reto3Error, sec, timeText, totalOf } from '@reto3/core';
import type { Anchor } from '../store/anchor.ts';
import type { Gone } from '../store/gone.ts';
import { type Meta, newMeta } from '../store/meta.ts';
import { allTime, type Row, type Store } from '../store/store.ts';
import { Blocks } from './blocks.ts';
import { OpenMinutes } from './open-minutes.ts';

export interface Recovered {
  readonly minutes: OpenMinutes;
  /** As the store has it; boot 0 in a new folder. */
  readonly meta: Meta;
  /** What a repair could not save. */
  readonly gone: Gone;
  readonly blocks: Blocks;
  /** All that the store and its journal hold. */
  readonly messages: number;
  /** Nothing that the store holds was counted before that, epoch ms; Infinity where it holds nothing. */
  readonly oldest: number;
  /** End of the newest second that the store knows, epoch ms. */
  readonly newestEnd: number;
  /** End of the newest counted window, epoch ms; 0 where there is none. */
  readonly countedEnd: number;
}

/** @throws Reto3Error RETO3_DATA_CORRUPT where writes, or parts of the open minutes, are missing */
export async function recover(
  store: Store,
  anchor: Anchor,
  node: string,
  onDamage: OnDamage = () => undefined,
): Promise<Recovered> {
  const meta = (await store.readMeta()) ?? newMeta(node);
  assertAllWrites(meta, await anchor.read());
  const gone = await store.readGone();
  const blocks = new Blocks(store, { ...meta, gone }, onDamage);
  const minutes = new OpenMinutes(blocks);
  const snapshot = store.snapshot();
  let oldest = Number.POSITIVE_INFINITY;
  const holdsFrom = (timeMs: number): void => {
    oldest = Math.min(oldest, timeMs);
  };
  let newestEnd = 0;
  let countedEnd = 0;
  let messages = 0;
  try {
    // A damaged min block is told to whoever reads it; it is no reason not to count.
    const damaged: OnDamage = (damage) => {
      blocks.note(damage);
      holdsFrom(damage.from);
    };
    for await (const { start, windows } of snapshot.rows('min', allTime, damaged)) {
      messages += totalOf(windows);
      holdsFrom(start + windows.counted.indexOf(1) * min.windowMs);
    }
    for (const { name } of [sec, ms10]) {
      // Where it cannot be read, nobody knows.
      for await (const start of snapshot.starts(name, allTime, () => holdsFrom(0))) {
        holdsFrom(start);
        break;
      }
    }
    for await (const block of snapshot.rows(
      'ms10',
      { ...allTime, reverse: true },
      () => undefined,
    )) {
      newestEnd = block.start + ms10.blockMs;
      countedEnd = countedEndOf(block);
      break;
    }
    for await (const row of snapshot.rows('journal', allTime)) {
      messages += minutes.recover(row);
      newestEnd = Math.max(newestEnd, row.start + sec.windowMs);
      countedEnd = Math.max(countedEnd, countedEndOf(row));
    }
    holdsFrom(minutes.oldest);
    minutes.loadMissing();
    assertWhole(minutes);
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_BLOCK_DAMAGED') throw error;
    throw corrupt(error.message);
  } finally {
    await snapshot.close();
  }
  assertOpenMinutes(meta, minutes);
  return { minutes, meta, gone, blocks, messages, oldest, newestEnd, countedEnd };
}

function countedEndOf({ start, windows }: Row): number {
  return start + (windows.counted.lastIndexOf(1) + 1) * ms10.windowMs;
}

function assertAllWrites(meta: Meta, anchored: number | undefined): void {
  // The first anchor follows the first write.
  if (anchored === undefined && meta.writes > 1) throw corrupt('its file ANCHOR is missing');
  if (anchored !== undefined && anchored > meta.writes) {
    throw corrupt(`got ${meta.writes} writes, want at least ${anchored}: the newest are missing`);
  }
}

/** Nobody knows what a journal adds to where a block of its minute cannot be read. */
function assertWhole(minutes: OpenMinutes): void {
  for (const { start, lacking } of minutes.all()) {
    const [series] = lacking;
    if (series === undefined) continue;
    const minute = timeText(start);
    throw corrupt(`the journal of the minute ${minute} cannot be laid over its damaged ${series}`);
  }
}

/** A journal row that vanished would make a second look empty. */
function assertOpenMinutes(meta: Meta, minutes: OpenMinutes): void {
  const found = new Map([...minutes.all()].map((minute) => [minute.start, totalOf(minute.ms10)]));
  for (const { start, total } of meta.open) {
    const got = found.get(start) ?? 0;
    if (got === total) continue;
    const minute = timeText(start);
    throw corrupt(`the journal of the minute ${minute} adds up to ${got}, want ${total}`);
  }
}

function corrupt(reason: string): Reto3Error {
  return new Reto3Error('RETO3_DATA_CORRUPT', `cannot read the data folder: ${reason}`);
}
