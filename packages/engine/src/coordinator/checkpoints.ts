/**
 * Checkpoints: start a new journal, write finished minutes to the database as blocks in one synced
 * batch that names the new journal, and remove the old one. Also write every other change of the
 * meta row, which each batch contains. The flusher decides when, and handles failures.
 *
 * Invariants: until the batch is on disk, the old or the new journal contains what it moves; a
 * database that has a batch has an anchor.
 */
import type { Minute } from '../ring/minute.ts';
import type { Anchor } from '../store/anchor.ts';
import { formatVersion, type Meta } from '../store/meta.ts';
import type { Change } from '../store/store.ts';
import type { Blocks } from './blocks.ts';
import { closeMinutes, isOver } from './changes.ts';
import type { Flows } from './flows.ts';
import type { JournalWriter, JournalWriterParts, Swept, WriterContext } from './journal-writer.ts';
import type { Operations } from './operations.ts';

/** A journal of this size causes an early checkpoint. Reports can make it so large. */
const maxJournalBytes = 64 << 20;

export interface CheckpointParts extends JournalWriterParts {
  readonly anchor: Anchor;
  readonly blocks: Blocks;
  /**
   * Starts of the journal rows of an earlier version; the first checkpoint deletes them. Epoch ms.
   */
  readonly journalRows: readonly number[];
}

/** The changed fields of the meta row. */
export type MetaChange = (meta: Meta) => Partial<Meta>;

export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #writer: JournalWriter;
  readonly #flows: Flows;
  readonly #operations: Operations;
  readonly #sweep: () => Swept;
  readonly #isDurable: boolean;
  #meta: Meta;
  #journalRows: readonly number[];

  /** @param sweep sweeps the ring under a new flush number */
  constructor(
    parts: CheckpointParts,
    writer: JournalWriter,
    { flows, operations, ack }: WriterContext,
    sweep: () => Swept,
  ) {
    this.#parts = parts;
    this.#writer = writer;
    this.#flows = flows;
    this.#operations = operations;
    this.#sweep = sweep;
    this.#isDurable = ack === 'durable';
    this.#meta = parts.meta;
    this.#journalRows = parts.journalRows;
  }

  /** The meta row of the last batch that succeeded. */
  get meta(): Meta {
    return this.#meta;
  }

  /** Whether a minute can be closed, or the journal has grown too large. */
  isDue(wallMs: number): boolean {
    const { journal, minutes } = this.#parts;
    for (const minute of minutes.all()) if (minute.unclosed && isOver(minute, wallMs)) return true;
    return journal.bytes >= maxJournalBytes;
  }

  /** @throws Overtaken; the error of the disk */
  async run(epoch: number): Promise<void> {
    const { journal, store } = this.#parts;
    await this.#operations.run('make a journal', () =>
      journal.prepare(this.#meta.boot, this.#writer.lastWrite + 1, this.#isDurable),
    );
    // The first record of the new journal has no rows of earlier ones: a failed fsync of the old
    // journal, which may lose them, has to come first.
    const { closing, rows } = await this.#flows.alone('sync', epoch, async () => {
      await this.#writer.syncJournal();
      this.#flows.assertCurrent(epoch);
      return this.#beginJournal(epoch);
    });
    // Before a batch names the new journal.
    await this.#writer.syncJournal();
    await this.assertRoom();
    // In a new folder, before the first batch: later a missing anchor means damage.
    if (this.#meta.writes === 0) await this.#writeAnchor();
    this.#flows.assertCurrent(epoch);
    const journalRows = this.#journalRows.map((start): Change => ({ delete: 'journal', start }));
    const reports = rows.map(({ key, bytes }): Change => ({ report: key, bytes }));
    const changes = [...closing.changes, ...reports, ...journalRows];
    const position = { id: journal.id, through: this.#writer.recorded };
    await this.#flows.alone('change', epoch, () =>
      this.batch(epoch, changes, ({ messages = 0 }) => ({
        formatVersion,
        journal: position,
        messages: messages + closing.messages,
        open: [],
      })),
    );
    this.#journalRows = [];
    for (const minute of closing.minutes) minute.closed();
    store.release(rows);
    this.#writer.tellSynced();
    await this.#operations.run('remove a journal', () => journal.retire());
    await this.#writeAnchor();
    this.#flows.assertCurrent(epoch);
  }

  /**
   * After a failure: a checkpoint that failed may be on disk all the same, and its minutes in the
   * sum of the min blocks.
   * @throws Reto3Error RETO3_STORE_FAILING; errors of LevelDB
   */
  settle(): void {
    this.#parts.minutes.settle((more) => {
      const { messages = 0 } = this.#meta;
      this.#meta = { ...this.#meta, messages: messages + more };
    });
  }

  /** Writes changes and the meta row to the database, on disk. */
  async batch(epoch: number, changes: readonly Change[], more: MetaChange): Promise<void> {
    // A failed write uses its number up: it may turn out to be on disk when the store is reopened.
    const writes = this.#writer.numberWrite();
    const cluster = this.#writer.published();
    const meta = { ...this.#meta, ...(cluster && { cluster }), ...more(this.#meta), writes };
    await this.#operations.run('write to the database', () =>
      this.#parts.store.write([...changes, { meta }], { sync: true }),
    );
    this.#flows.assertCurrent(epoch);
    this.#meta = meta;
  }

  /** Writes the last batch of a folder that is left cleanly, and closes the journal. */
  async leave(): Promise<void> {
    const { journal } = this.#parts;
    const position = { id: journal.id, through: this.#writer.recorded };
    await this.batch(this.#flows.epoch, [], () => ({ clean: true, journal: position }));
    await this.#writeAnchor();
    await journal.close();
  }

  /** Reports a full disk before a record or a checkpoint has no room, so that a person can act. */
  async assertRoom(): Promise<void> {
    await this.#operations.run('look for room on the disk', () => this.#parts.journal.assertRoom());
  }

  async #writeAnchor(): Promise<void> {
    const { writes } = this.#meta;
    await this.#operations.run('write the anchor', () => this.#parts.anchor.write(writes));
  }

  /**
   * Writes the first record of a new journal: everything open that the batch will not contain.
   * Returns the content of the batch, as of the same moment.
   */
  async #beginJournal(epoch: number) {
    const { journal, minutes, blocks, store } = this.#parts;
    return this.#flows.alone('record', epoch, async () => {
      journal.begin();
      const swept = this.#sweep();
      minutes.loadMissing();
      const rows = store.heldRows();
      const closing = closeMinutes(this.#over(), blocks);
      // It has the unrecorded changes of closing minutes too, since the batch may fail.
      const record = this.#writer.next(new Set(closing.minutes));
      for (const minute of closing.minutes) minute.beginClose();
      await this.#writer.appendAsync(record, swept, { sync: this.#isDurable, epoch });
      return { closing, rows };
    });
  }

  #over(): Minute[] {
    const { wallMs } = this.#parts.clock.read();
    return this.#parts.minutes.unclosed().filter((minute) => isOver(minute, wallMs));
  }
}
