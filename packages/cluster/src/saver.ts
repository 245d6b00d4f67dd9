/**
 * Saves what a merger took: every ten seconds, and whenever as much is unsaved as may be. Then the
 * merger takes nothing more until the save has succeeded; stream and nodes keep it meanwhile.
 *
 * After a crash the merger reads again whatever it took and did not save, which changes nothing.
 */
import { type Clock, type Log, ms10 } from '@reto3/core';
import type { MergeState } from './merge-state.ts';
import type { MergedReports } from './merged-reports.ts';
import type { MergedStore } from './merged-store.ts';
import { Backoff, pause } from './problems.ts';
import type { StreamPlace } from './stream-reader.ts';

/** How much time of the stream a killed merger reads again. */
const saveEveryMs = 10_000;
/** How many rows of reports may be unsaved; each node writes a few a second. */
const mostUnsavedRows = 5_000;
/** Pauses between failed saves when nothing more may be taken. */
const [retrySaveAfterMs, mostRetrySaveAfterMs] = [500, 10_000];
/** The age at which minutes are dropped from memory, since they will rarely change. */
const forgetAfterMs = 180_000;
if (ms10.blockMs > forgetAfterMs) throw new Error('BUG: open minutes are dropped');

export interface SaverParts {
  readonly store: MergedStore;
  readonly clock: Clock;
  readonly log: Pick<Log, 'error' | 'info'>;
  readonly state: MergeState;
  readonly reports: MergedReports;
  /** The last message of the stream that was taken. */
  readonly place: () => StreamPlace;
}

export class Saver {
  readonly #parts: SaverParts;
  #saving: Promise<void> | undefined;
  #savedAt: number;
  #failing = false;

  constructor(parts: SaverParts) {
    this.#parts = parts;
    this.#savedAt = parts.clock.read().monotonicMs;
  }

  /** Starts a save if one is due. A failed one is repeated no sooner. */
  saveSoon(): void {
    const now = this.#parts.clock.read().monotonicMs;
    const isUrgent = this.#isFull && !this.#failing;
    if (!isUrgent && now - this.#savedAt < saveEveryMs) return;
    this.#savedAt = now;
    // Whatever changes during this save is for the next.
    void this.#start();
  }

  /**
   * Call it after each message. Resolves when the next one may be taken, or when the signal is
   * aborted.
   */
  async saveIfDue(signal: AbortSignal): Promise<void> {
    if (!this.#isFull) return this.saveSoon();
    const backoff = new Backoff(retrySaveAfterMs, mostRetrySaveAfterMs);
    for (let again = false; this.#isFull && !signal.aborted; again = true) {
      if (again) await pause(backoff.next(), signal);
      await this.saveAll();
    }
  }

  /** Whether it cannot save what is taken. */
  get isBehind(): boolean {
    return this.#failing || this.#isFull;
  }

  /** Saves everything taken so far. Never rejects. */
  async saveAll(): Promise<void> {
    await this.#saving;
    await this.#start();
  }

  /** Whether as much is unsaved as may be. */
  get #isFull(): boolean {
    const { state, reports } = this.#parts;
    return state.isFull || reports.unsavedRows >= mostUnsavedRows;
  }

  /** Never rejects. One save is in progress at a time. */
  #start(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      await store.alone(async () => {
        await store.prepare();
        await this.#voidStored();
        await this.#write();
      });
      if (this.#failing) log.info('the counts of the cluster are saved again');
      this.#failing = false;
    } catch (err) {
      if (!this.#failing)
        log.error({ err }, 'cannot save the counts of the cluster; will try again');
      this.#failing = true;
    }
  }

  /** Removes what new boots voided from minutes that are not in memory. */
  async #voidStored(): Promise<void> {
    const { store, state, clock } = this.#parts;
    for (const node of state.nodes()) {
      const from = node.voidFrom;
      // What the new boot also has is read first; then little is void.
      const isRead = node.unread === undefined || !state.isLive(node, clock.read());
      if (from === undefined || !isRead) continue;
      for await (const start of store.minutesFrom(from)) {
        if (!state.applyVouches(node, start)) continue;
        if (state.isFull) await this.#write();
      }
      if (node.voidFrom === from) node.voidFrom = undefined;
    }
  }

  async #write(): Promise<void> {
    const { store, state, reports, clock, place } = this.#parts;
    const now = clock.read();
    state.keepFrom(store.keptFrom);
    reports.forgetDeleted();
    const finalThrough = state.finalThrough(now);
    const minutes = state.minutes().filter(({ unsavedParts }) => unsavedParts > 0);
    const known = { nodes: state.nodes(), reports: reports.nodes() };
    await store.save(minutes, reports, { ...place(), finalThrough, ...known });
    reports.forgetSaved();
    state.forgetSaved(Math.min(now.wallMs, state.newestEnd) - forgetAfterMs);
  }
}
