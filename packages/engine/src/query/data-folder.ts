/**
 * A data folder that no server holds, opened to be read: what `--data-dir` of the command line
 * reads from. Takes LevelDB's lock, recovers the journal in memory and writes nothing of ours.
 * (LevelDB itself moves what its log holds into a table when it opens; no row changes by that.)
 */

import {
  alignUp,
  ms10,
  type Period,
  Reto3Error,
  secondsOnlyHint,
  secondsOnlyText,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { type Recovered, recover } from '../coordinator/recover.ts';
import { BackupSource } from '../coordinator/stored.ts';
import { journalIn } from '../journal/journal-folder.ts';
import { anchorIn } from '../store/anchor.ts';
import { openExistingDatabase } from '../store/database.ts';
import { allTime, Store } from '../store/store.ts';
import { VerifiedSnapshot } from '../store/verified.ts';
import { readChunks } from './chunks.ts';

export class DataFolder {
  /** The rows as they are stored. */
  readonly store: Store;
  readonly recovered: Recovered;

  private constructor(store: Store, recovered: Recovered) {
    this.store = store;
    this.recovered = recovered;
  }

  /**
   * Calls `read` with the folder open, and closes it.
   * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_CORRUPT,
   * RETO3_DATA_VERSION
   */
  static async with<T>(folder: string, read: (data: DataFolder) => Promise<T>): Promise<T> {
    const store = await Store.open(() => privately(() => openExistingDatabase(folder)));
    try {
      const parts = { store, anchor: anchorIn(folder), journals: journalIn(folder) };
      const recovered = await recover(parts, '');
      store.hold(recovered.rows);
      return await read(new DataFolder(store, recovered));
    } finally {
      await store.close();
    }
  }

  /** All of it, for a backup; to be closed. */
  backup(): BackupSource {
    const { meta, minutes } = this.recovered;
    return new BackupSource(this.store.snapshot(), meta, minutes.unclosed());
  }

  /**
   * Everything that the folder holds. Nothing is being counted any more, so all is final: windows of
   * `period` up to the newest counted one, or damaged one.
   * @throws Reto3Error RETO3_NO_DATA where nothing finer than seconds is known
   */
  async view(period: Period, nowMs: number): Promise<CountsView> {
    const { minutes, meta, gone, oldest } = this.recovered;
    const { deletedBefore } = meta;
    const view: CountsView = {
      finalThrough: 0,
      newestEnd: 0,
      oldest,
      minutes: minutes.loaded(),
      store: new VerifiedSnapshot(this.store.snapshot(), deletedBefore, gone),
      deletedBefore,
    };
    const end = await endOf(view, period, nowMs);
    if (period === ms10 && end === 0 && this.recovered.countedEnd > 0) {
      await view.store.close();
      throw new Reto3Error('RETO3_NO_DATA', secondsOnlyText, { hint: secondsOnlyHint });
    }
    return { ...view, finalThrough: end, newestEnd: end };
  }
}

/** LevelDB makes files while it opens; they are for this user only, as those of a server. */
async function privately<T>(open: () => Promise<T>): Promise<T> {
  const before = process.umask(0o077);
  try {
    return await open();
  } finally {
    process.umask(before);
  }
}

async function endOf(view: CountsView, period: Period, nowMs: number): Promise<number> {
  let end = 0;
  const reversed = { from: allTime.from, to: allTime.to, reverse: true };
  // Damage that nothing is known of beyond may reach to the end of time; until now is enough.
  const chunks = readChunks(view, period, reversed, (damage) => {
    end = Math.max(end, Math.min(damage.to, alignUp(nowMs, period.windowMs)));
  });
  for await (const { start, windows } of chunks) {
    const last = windows.counted.lastIndexOf(1);
    if (last === -1) continue;
    end = Math.max(end, start + (last + 1) * period.windowMs);
    break;
  }
  return end;
}
