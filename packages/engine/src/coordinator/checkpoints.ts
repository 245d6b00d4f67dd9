/**
 * Checkpoints: a new journal begins, minutes that are over go into the database as blocks, in one
 * synced batch that names the new journal, and the old one is let go. Also every other change of the
 * meta row, which each batch holds. When, and what a failure means, is for the flusher to say.
 *
 * Invariant: what a batch moves is in the old journal or in the new one until the batch is on the disk.
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

/** A checkpoint comes early where the journal has grown to this, as reports can make it. */
const mostJournalBytes = 64 << 20;

export interface CheckpointParts extends JournalWriterParts {
  readonly anchor: Anchor;
  readonly blocks: Blocks;
  /** Starts of journal rows of an earlier version, which the first checkpoint replaces; epoch ms. */
  readonly journalRows: readonly number[];
}

/** What is new in the meta row. */
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

  /** @param sweep takes in what the ring has, under a new flush number */
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

  /** What the database says of itself since the last batch that succeeded. */
  get meta(): Meta {
    return this.#meta;
  }

  /** Whether a minute is over, or the journal has grown too large. */
  isDue(wallMs: number): boolean {
    const { journal, minutes } = this.#parts;
    for (const minute of minutes.all()) if (minute.unclosed && isOver(minute, wallMs)) return true;
    return journal.bytes >= mostJournalBytes;
  }

  /** @throws Overtaken, and what the disk says */
  async run(epoch: number): Promise<void> {
    const { journal, anchor, store } = this.#parts;
    await this.#operations.run('make a journal', () =>
      journal.prepare(this.#meta.boot, this.#writer.lastWrite + 1, this.#isDurable),
    );
    const { closing, rows } = await this.#beginJournal(epoch);
    // Before the database says that it goes on with it.
    await this.#writer.syncJournal();
    await this.assertRoom();
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
    const { writes } = this.#meta;
    await this.#operations.run('write the anchor', () => anchor.write(writes));
    this.#flows.assertCurrent(epoch);
  }

  /** Writes to the database, with the meta row, on the disk. */
  async batch(epoch: number, changes: readonly Change[], more: MetaChange): Promise<void> {
    // A write that failed may be there all the same once the store is opened again. So its number
    // is spent: two that differ never have the same.
    const writes = this.#writer.numberWrite();
    const cluster = this.#writer.published();
    const meta = { ...this.#meta, ...(cluster && { cluster }), ...more(this.#meta), writes };
    await this.#operations.run('write to the database', () =>
      this.#parts.store.write([...changes, { meta }], { sync: true }),
    );
    this.#flows.assertCurrent(epoch);
    this.#meta = meta;
  }

  /** The last batch, for a folder that is left cleanly, and the end of the journal. */
  async leave(): Promise<void> {
    const { journal, anchor } = this.#parts;
    const position = { id: journal.id, through: this.#writer.recorded };
    await this.batch(this.#flows.epoch, [], () => ({ clean: true, journal: position }));
    await anchor.write(this.#meta.writes);
    await journal.close();
  }

  /** A full disk is a failure before a record or a checkpoint has no room: somebody has to act. */
  async assertRoom(): Promise<void> {
    await this.#operations.run('look for room on the disk', () => this.#parts.journal.assertRoom());
  }

  /**
   * The first record of a new journal: all that is open and that the batch will not hold. Returns
   * what the batch is to hold, as of the same moment.
   */
  async #beginJournal(epoch: number) {
    const { journal, minutes, blocks, store } = this.#parts;
    return this.#flows.alone('record', epoch, async () => {
      journal.begin();
      const swept = this.#sweep();
      minutes.loadMissing();
      const rows = store.heldRows();
      const closing = closeMinutes(this.#over(), blocks);
      // What of a closing minute no record has yet is in this one: the batch may not succeed.
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
