/**
 * Saves what a merger has taken: every ten seconds, and whenever as much is unsaved as may be in
 * memory; then nothing more is taken until the disk has taken it.
 *
 * What was taken and not saved yet is read once more after a crash, and changes nothing.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, type ClockReading, ms10 } from '@reto3/core';
import type { MergeState } from './merge-state.ts';
import type { MergedReports } from './merged-reports.ts';
import type { MergedStore } from './merged-store.ts';
import { Backoff } from './problems.ts';
import type { StreamPlace } from './stream-reader.ts';

/** How much a killed merger reads once more, in time. */
const saveEveryMs = 10_000;
/** How many rows of reports are in memory and not saved; each node writes a few a second. */
const mostUnsavedRows = 5_000;
/** Pauses between saves that fail while nothing more may be taken. */
const [retrySaveAfterMs, mostRetrySaveAfterMs] = [500, 10_000];
/** Minutes that nothing comes for any more are let go of when they are so old. */
const forgetAfterMs = 180_000;
if (ms10.blockMs > forgetAfterMs) throw new Error('BUG: open minutes are let go of');

export interface SaverEvents {
  /** Told once, until it succeeds again. */
  saveFailed(error: unknown): void;
  saved(): void;
}

export interface SaverParts {
  readonly store: MergedStore;
  readonly clock: Clock;
  readonly state: MergeState;
  readonly reports: MergedReports;
  /** Up to which message of the stream all was taken. */
  readonly place: () => StreamPlace;
  readonly events: SaverEvents;
}

export class Saver {
  readonly #parts: SaverParts;
  #saving: Promise<void> | undefined;
  #savedAt: number;
  #fails = false;

  constructor(parts: SaverParts) {
    this.#parts = parts;
    this.#savedAt = parts.clock.read().monotonicMs;
  }

  /**
   * To be called after each message. Resolves when the next one may be taken, or at once where the
   * signal is aborted.
   */
  async saveIfDue(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.read().monotonicMs;
    if (!this.#isFull) {
      if (now - this.#savedAt < saveEveryMs) return;
      this.#savedAt = now;
      // Messages are taken while a save is under way; what they change is saved by the next.
      void this.#start();
      return;
    }
    // Nothing more is taken before the disk takes what there is: stream and nodes keep it meanwhile.
    const backoff = new Backoff(retrySaveAfterMs, mostRetrySaveAfterMs);
    for (let again = false; this.#isFull && !signal.aborted; again = true) {
      if (again) await wait(backoff.next(), undefined, { signal }).catch(() => undefined);
      await this.saveAll();
    }
  }

  /** Saves everything that is there now. Never rejects. */
  async saveAll(): Promise<void> {
    await this.#saving;
    await this.#start();
  }

  /** Whether as much is unsaved as may be in memory. */
  get #isFull(): boolean {
    const { state, reports } = this.#parts;
    return state.isFull || reports.unsavedRows >= mostUnsavedRows;
  }

  /** Never rejects. One save is under way at a time. */
  #start(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { store, events } = this.#parts;
    try {
      await store.prepare();
      await this.#voidStored();
      await this.#write();
      if (this.#fails) events.saved();
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) events.saveFailed(error);
      this.#fails = true;
    }
  }

  /** Adds up anew what a node's new boot has voided in minutes that are not in memory. */
  async #voidStored(): Promise<void> {
    const { store, state, clock } = this.#parts;
    for (const node of state.nodes()) {
      const from = node.voidFrom;
      // What its new boot has as well is read first: then little is void.
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
    reports.keepFrom(store.deletedBefore);
    const finalThrough = state.finalThrough(now);
    const minutes = state.minutes().filter(({ unsavedParts }) => unsavedParts > 0);
    const said = { nodes: state.nodes(), reports: reports.nodes() };
    await store.save(minutes, reports, { ...place(), finalThrough, ...said });
    reports.forget();
    this.#letGo(now);
  }

  #letGo({ wallMs }: ClockReading): void {
    const { state } = this.#parts;
    const before = Math.min(wallMs, state.newestEnd) - forgetAfterMs;
    for (const { start, end } of state.minutes()) if (end < before) state.forget(start);
  }
}
