/**
 * The archive on the main thread: starts the archive's thread, notifies it of every write of the
 * store, and accounts for every message. Nothing here waits for that thread.
 */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  counter,
  gauge,
  type Log,
  type MetricSource,
  messageOf,
  Reto3Error,
  systemClock,
  threadExit,
} from '@reto3/core';
import { archiveFolderOf } from '@reto3/engine';
import { BatchCounts } from './handover.ts';
import { nameHolder } from './holder.ts';
import { allocateBatches } from './memory.ts';
import type {
  ArchiveLimits,
  ArchiveStart,
  ArchiveStatus,
  FromArchive,
  Recount,
  Stored,
} from './messages.ts';
import { Outbox } from './outbox.ts';

export interface ArchiveOptions {
  readonly workerCount: number;
  /** The server's data folder, an absolute path. */
  readonly dataDir: string;
  /** The number of writes in the store. */
  readonly writes: number;
  readonly limits: ArchiveLimits;
  readonly log: Log;
}

/** The messages since the start: counted = archived + dropped + waiting. */
export interface ArchiveState extends Omit<ArchiveStatus, 'discarded'> {
  readonly folder: string;
  /** The name of this server in the archive; absent if it could not be written there. */
  readonly holder?: string;
  /** Counted, but never archived. */
  readonly dropped: number;
  /** Accepted, but not archived yet. */
  readonly waiting: number;
  /** Every earlier message is archived or dropped; epoch ms. */
  readonly through: number;
}

/** Whether every counted message is accounted for and every archived one is in a file. */
export interface ArchiveBalance {
  readonly ok: boolean;
  readonly says: string;
}

/** A thread that takes longer to stop is waiting for a disk that hangs; it is abandoned. */
const stopWaitMs = 10_000;
/** The thread may be converting a segment, which takes a second or two. */
const recountWaitMs = 30_000;
/**
 * Enough for a worker that is preempted between counting a message and handing it over. Windows are
 * final after 20 ms.
 */
const settledMs = 1_000;
/** Retries for numbers that change while they are read. */
const balanceAttempts = 100;

export class Archive {
  /** Shared memory, for the workers. */
  readonly memory: SharedArrayBuffer;
  readonly folder: string;
  readonly #log: Log;
  readonly #counts: BatchCounts;
  readonly #thread: Worker;
  readonly #outbox = new Outbox((message) => this.#thread.postMessage(message));
  readonly #exited: Promise<void>;
  #status: ArchiveStatus = {
    ...{ archived: 0, discarded: 0, messages: 0, files: 0, bytes: 0 },
    ...{ deletedFiles: 0, deletedMessages: 0, oldestHour: undefined, failing: undefined },
  };
  /**
   * The messages that the workers had accepted at a moment; kept until the thread has taken them
   * all.
   */
  #mark: { readonly atMs: number; readonly accepted: readonly number[] };
  #through: number;
  #stopping = false;
  #dead: string | undefined;
  #holder: string | undefined;
  #recounts = 0;
  readonly #recounting = new Map<number, (answer: Recount | Error) => void>();

  private constructor(options: ArchiveOptions) {
    const { workerCount, dataDir, writes, limits, log } = options;
    this.memory = allocateBatches(workerCount);
    this.folder = archiveFolderOf(dataDir);
    this.#log = log;
    this.#counts = new BatchCounts(this.memory);
    this.#mark = this.#markNow();
    this.#through = this.#mark.atMs - settledMs;
    const start: ArchiveStart = { memory: this.memory, folder: this.folder, writes, limits };
    this.#thread = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: start,
      name: 'reto3 archive',
    });
    this.#exited = threadExit(this.#thread);
  }

  /**
   * Resolves when the thread is ready and has recovered what an earlier server left.
   * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_DATA_UNREADABLE
   */
  static async start(options: ArchiveOptions): Promise<Archive> {
    const archive = new Archive(options);
    await archive.#ready();
    archive.#nameHolder();
    return archive;
  }

  /** Called after a write of the store. */
  stored(stored: Stored): void {
    // Read often enough to notice every overflow.
    this.#counts.read();
    this.#settle();
    this.#outbox.post({ stored });
  }

  /** Called when the store gives up all messages up to this flush. */
  gaveUp(flush: number): void {
    this.#outbox.post({ gaveUp: flush });
  }

  state(): ArchiveState {
    this.#settle();
    const { accepted, dropped } = this.#counts.read();
    const { discarded, ...status } = this.#status;
    const waiting = accepted - discarded - status.archived;
    return {
      ...status,
      folder: this.folder,
      ...(this.#holder !== undefined && { holder: this.#holder }),
      dropped: dropped + discarded,
      waiting,
      through: this.#through,
      failing: this.#dead ?? status.failing,
    };
  }

  /**
   * Compares the messages archived and dropped with those counted, and with the files.
   * @param counted sweeps the ring and returns the number of messages since the start
   */
  async audit(counted: () => number): Promise<ArchiveBalance> {
    const balance = await this.#balance(counted);
    const recount = await this.#recount().catch((error: unknown) => messageOf(error));
    if (typeof recount === 'string')
      return { ok: false, says: `${balance.says}; cannot count the messages in files: ${recount}` };
    const { expected, found } = recount;
    return {
      ok: balance.ok && expected === found,
      says: `${balance.says}; got ${found} messages in its files, want ${expected} (to compare every window while the server runs: reto3 replay count ms10 --diff)`,
    };
  }

  readonly metrics: MetricSource = () => {
    const state = this.state();
    return [
      counter(
        'reto3_archived_messages_total',
        'Messages archived since the start.',
        state.archived,
      ),
      counter(
        'reto3_archive_dropped_messages_total',
        'Messages counted but not archived, because the archive fell behind or was not writable.',
        state.dropped,
      ),
      gauge('reto3_archive_waiting_messages', 'Messages waiting to be archived.', state.waiting),
      counter(
        'reto3_archive_deleted_messages_total',
        'Messages deleted to keep the archive within its size limit.',
        state.deletedMessages,
      ),
      gauge('reto3_archive_bytes', 'Bytes of the archive on disk.', state.bytes),
      gauge(
        'reto3_archive_failing',
        '1 while writing to the archive fails, else 0.',
        state.failing === undefined ? 0 : 1,
      ),
    ];
  };

  /** Syncs everything that the store has written; resolves when the thread has exited. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#outbox.post({ stop: true });
    const late = new AbortController();
    await Promise.race([
      this.#exited,
      setTimeout(stopWaitMs, undefined, { signal: late.signal }).then(
        () => this.#log.error('cannot stop the archive: its disk hangs'),
        () => undefined,
      ),
    ]);
    late.abort();
    this.#thread.unref();
  }

  async #ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#thread.once('message', (message: FromArchive) => {
        if ('ready' in message && !message.ready)
          reject(
            new Reto3Error(
              message.code ?? 'RETO3_DATA_UNREADABLE',
              `cannot open the archive: ${message.reason}`,
            ),
          );
        else resolve();
      });
      this.#thread.once('error', reject);
    }).catch((error: unknown) => {
      this.#stopping = true;
      throw error;
    });
    this.#thread.on('message', (message: FromArchive) => this.#receive(message));
    this.#thread.on('error', (error) => this.#died(messageOf(error)));
    this.#thread.on('exit', (code) => this.#died(`its thread exited with code ${code}`));
  }

  /** An archive on a full disk still starts, and goes on when there is space again. */
  #nameHolder(): void {
    try {
      this.#holder = nameHolder(this.folder);
    } catch (error) {
      this.#log.warn(`cannot write the server's name into the archive: ${messageOf(error)}`);
    }
  }

  /** Advances `through` once the thread has taken all messages accepted before the mark. */
  #settle(): void {
    if (!this.#counts.tookAll(this.#mark.accepted)) return;
    this.#through = this.#mark.atMs - settledMs;
    this.#mark = this.#markNow();
  }

  #markNow(): { readonly atMs: number; readonly accepted: readonly number[] } {
    // Time first, so that all earlier messages are among the accepted ones.
    const { wallMs } = systemClock.read();
    return { atMs: wallMs, accepted: this.#counts.accepted() };
  }

  #receive(message: FromArchive): void {
    if ('status' in message) {
      this.#status = message.status;
      this.#outbox.answered();
    } else if ('event' in message) this.#log[message.event.level](message.event.text);
    else if ('recounted' in message) {
      const answer = 'failed' in message ? new Error(message.failed) : message;
      this.#recounting.get(message.recounted)?.(answer);
      this.#recounting.delete(message.recounted);
    }
  }

  #died(reason: string): void {
    if (this.#stopping || this.#dead !== undefined) return;
    this.#dead = reason;
    this.#log.error(`the archive has stopped until the next start: ${reason}; counting continues`);
  }

  /** Retries, since a message that is counted but not handed over yet is in neither sum. */
  async #balance(counted: () => number): Promise<ArchiveBalance> {
    for (let attempt = 1; ; attempt++) {
      const before = counted();
      const { archived, dropped, waiting } = this.state();
      const after = counted();
      const sum = archived + dropped + waiting;
      const exact = sum === after && waiting >= 0;
      const between = sum >= before - this.#counts.workerCount && sum <= after && waiting >= 0;
      if (!exact && attempt < balanceAttempts) {
        await setTimeout(1);
        continue;
      }
      const says = `${archived} archived + ${dropped} dropped + ${waiting} waiting = ${sum}, want ${after} as counted`;
      return { ok: exact || (before !== after && between), says };
    }
  }

  async #recount(): Promise<Recount> {
    if (this.#dead !== undefined) throw new Error(this.#dead);
    const number = ++this.#recounts;
    const answered = new Promise<Recount>((resolve, reject) => {
      this.#recounting.set(number, (answer) =>
        answer instanceof Error ? reject(answer) : resolve(answer),
      );
    });
    this.#outbox.post({ recount: number });
    const late = new AbortController();
    try {
      return await Promise.race([
        answered,
        setTimeout(recountWaitMs, undefined, { signal: late.signal }).then(() => {
          throw new Error(`its thread did not answer within ${recountWaitMs / 1_000} s`);
        }),
      ]);
    } finally {
      late.abort();
      this.#recounting.delete(number);
    }
  }
}
