/**
 * A data folder opened for reading while no server holds it, for `--data-dir` of the command line
 * and for the doctor. Takes LevelDB's lock and recovers the journal in memory.
 *
 * It never writes a row. Opening LevelDB moves the content of its log into a table, which changes
 * no row either.
 */
import {
  alignUp,
  commonMoment,
  ms10,
  type Period,
  Reto3Error,
  type Scope,
  secondsOnlyHint,
  secondsOnlyText,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { type Recovered, recover } from '../coordinator/recover.ts';
import { BackupSource } from '../coordinator/stored.ts';
import { journalIn } from '../journal/journal-folder.ts';
import { anchorIn } from '../store/anchor.ts';
import { openExistingDatabase } from '../store/database.ts';
import { holdsDatabase } from '../store/database-files.ts';
import { mergerFolderOf } from '../store/inner-folders.ts';
import { assertOwner, type Owner, openMergersFailure } from '../store/owner.ts';
import { giveToOwner } from '../store/ownership.ts';
import { allTime, Store } from '../store/store.ts';
import { VerifiedSnapshot } from '../store/verified.ts';
import { readChunks } from './chunks.ts';

export class DataFolder {
  /** The rows as stored; its snapshots verify nothing. */
  readonly store: Store;
  readonly recovered: Recovered;

  private constructor(store: Store, recovered: Recovered) {
    this.store = store;
    this.recovered = recovered;
  }

  /**
   * Opens the folder, calls `read` and closes the folder.
   * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_CORRUPT,
   * RETO3_DATA_VERSION
   */
  static async with<T>(
    folder: string,
    read: (data: DataFolder) => Promise<T>,
    owner: Owner = 'server',
  ): Promise<T> {
    const store = await Store.open(() => withPrivateFiles(() => openExistingDatabase(folder)));
    try {
      await assertOwner(store, folder, owner);
      return await read(await DataFolder.on(store, folder));
    } finally {
      await store.close();
      await giveToOwner(folder);
    }
  }

  /**
   * The folder of an open store.
   * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_VERSION
   */
  static async on(store: Store, folder: string): Promise<DataFolder> {
    const parts = { store, anchor: anchorIn(folder), journals: journalIn(folder) };
    const recovered = await recover(parts, '');
    store.hold(recovered.rows);
    return new DataFolder(store, recovered);
  }

  /**
   * Opens the folder with the counts of a scope, as `with` does: of the cluster, the merger's
   * folder inside the data folder.
   * @throws Reto3Error what `with` throws
   */
  static async ofScope<T>(
    dataDir: string,
    scope: Scope,
    read: (data: DataFolder) => Promise<T>,
  ): Promise<T> {
    if (scope === 'node') return DataFolder.with(dataDir, read);
    const folder = mergerFolderOf(dataDir);
    if (await holdsDatabase(folder))
      return DataFolder.with(folder, read, 'merger').catch((error: unknown) => {
        throw openMergersFailure(error);
      });
    const message = `cannot open the data folder ${folder}: it holds no counts`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, {
      hint: 'name the --data-dir of a server that merges, or leave out --cluster',
    });
  }

  /** Everything in the folder, for a backup. Close it after use. */
  backup(): BackupSource {
    const { meta, minutes } = this.recovered;
    return new BackupSource(this.store.snapshot(), meta, minutes.unclosed());
  }

  /**
   * Everything in the folder. No server is counting, so all windows of `period` are final, up to
   * the newest that was counted or is damaged. Close the view's store after use.
   * @param nowMs bounds damage whose end is unknown, epoch ms
   * @throws Reto3Error RETO3_NO_DATA for ms10 if the folder was counted in seconds only
   */
  async view(period: Period, nowMs: number): Promise<CountsView> {
    const { minutes, meta, gone, oldest } = this.recovered;
    const { deletedBefore } = meta;
    const moment = commonMoment(await this.store.moments());
    const view: CountsView = {
      finalThrough: 0,
      newestEnd: 0,
      oldest,
      minutes: minutes.loaded(),
      store: new VerifiedSnapshot(this.store.snapshot(), deletedBefore, gone),
      deletedBefore,
      moment,
    };
    const end = await endOf(view, period, nowMs);
    if (period === ms10 && end === 0 && this.recovered.countedEnd > 0) {
      await view.store.close();
      throw new Reto3Error('RETO3_NO_DATA', secondsOnlyText, { hint: secondsOnlyHint });
    }
    return { ...view, finalThrough: end, newestEnd: end };
  }
}

/** LevelDB creates files when it opens. Like those of a server, only this user may read them. */
async function withPrivateFiles<T>(open: () => Promise<T>): Promise<T> {
  const before = process.umask(0o077);
  try {
    return await open();
  } finally {
    process.umask(before);
  }
}

/** End of the newest window that was counted or is damaged, epoch ms; 0 if there is none. */
async function endOf(view: CountsView, period: Period, nowMs: number): Promise<number> {
  let end = 0;
  const reversed = { from: allTime.from, to: allTime.to, reverse: true };
  // Damage with nothing stored after it may reach to the end of time, but nothing is after now.
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
