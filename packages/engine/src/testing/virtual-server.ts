/** A coordinator in virtual time, on a real folder or a store in memory, for tests. */
import { VirtualClock } from '@reto3/core/testing';
import { Coordinator } from '../coordinator/coordinator.ts';
import { type JournalFolder, journalIn } from '../journal/journal-folder.ts';
import { allocate, stripeOf } from '../ring/layout.ts';
import { addMessage, RingReader } from '../ring/ring.ts';
import { type Anchor, anchorIn } from '../store/anchor.ts';
import { openDatabase } from '../store/database.ts';
import { Store } from '../store/store.ts';
import { memoryAnchor } from './memory-anchor.ts';
import { MemoryJournal } from './memory-journal.ts';

/** The messages that `count` adds per second. */
export const perSecond = 7;

export class VirtualServer {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly #anchor: Anchor;
  readonly journals: JournalFolder;
  #memory = allocate(1);
  #coordinator: Coordinator | undefined;

  private constructor(startMs: number, store: Store, anchor: Anchor, journals: JournalFolder) {
    this.clock = new VirtualClock(startMs);
    this.store = store;
    this.#anchor = anchor;
    this.journals = journals;
  }

  /** A server on a store in memory. */
  static async on(store: Store, startMs: number): Promise<VirtualServer> {
    const server = new VirtualServer(startMs, store, memoryAnchor(), new MemoryJournal());
    await server.start();
    return server;
  }

  /** A server on a data folder. */
  static async in(folder: string, startMs: number): Promise<VirtualServer> {
    const store = await Store.open(() => openDatabase(folder));
    const server = new VirtualServer(startMs, store, anchorIn(folder), journalIn(folder));
    await server.start();
    return server;
  }

  get coordinator(): Coordinator {
    if (this.#coordinator === undefined) throw new Error('not started');
    return this.#coordinator;
  }

  /** Starts, or restarts as after a crash. */
  async start(): Promise<void> {
    this.#memory = allocate(1);
    this.#coordinator = await Coordinator.open({
      clock: this.clock,
      ring: new RingReader(this.#memory),
      workerCount: 1,
      store: this.store,
      anchor: this.#anchor,
      journals: this.journals,
      node: 'test',
      events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
    });
    await this.#coordinator.prepare();
    this.#coordinator.count();
  }

  /** Adds a message to the ring. */
  add(wallMs: number = this.clock.wallMs): void {
    addMessage(stripeOf(this.#memory, 0), wallMs);
  }

  /** Counts messages for some seconds, commits each second and closes the minutes that are over. */
  async count(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (let message = 0; message < perSecond; message++)
        this.add(this.clock.wallMs + message * 100);
      this.clock.pass(1_000);
      await this.coordinator.commit();
      await this.coordinator.flusher.beat();
    }
  }

  async stop(): Promise<void> {
    await this.coordinator.stop();
    await this.store.close();
  }
}
