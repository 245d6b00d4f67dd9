/**
 * A participant with rows: how many messages came in each minute, like the rows of a report, and
 * how many lines of the log were read, like the position of a followed log.
 *
 * Rows are absolute: before its first write, a row in memory absorbs the stored one. A row that is
 * on disk is evicted.
 */
import type { FlushParticipant, Written } from '../coordinator/participant.ts';
import type { HeldRow } from '../journal/record.ts';
import type { Store } from '../store/store.ts';

const prefix = 'tally/';
const allRows = { gte: Buffer.from(prefix), lt: Buffer.from('tally0') };

interface Row {
  messages: number;
  /** Whether `messages` includes those of the stored row. */
  isLoaded: boolean;
  isChanged: boolean;
  isInWrite: boolean;
  /** The number of its last write; 0 if there was none. */
  writtenIn: number;
}

export class Tally implements FlushParticipant {
  readonly #store: Store;
  /** How many messages the server has dropped since its start. */
  readonly #lost: () => number;
  readonly #rows = new Map<string, Row>();
  #lostBefore = 0;

  constructor(store: Store, lost: () => number) {
    this.#store = store;
    this.#lost = lost;
  }

  add(name: string, messages: number): void {
    const row = this.#rows.get(name) ?? {
      ...{ messages: 0, isLoaded: false, isChanged: true, isInWrite: false, writtenIn: 0 },
    };
    row.messages += messages;
    row.isChanged = true;
    this.#rows.set(name, row);
  }

  rows(): HeldRow[] {
    const changed: HeldRow[] = [];
    for (const [name, row] of this.#rows) {
      if (!row.isChanged) continue;
      const key = Buffer.from(prefix + name);
      if (!row.isLoaded) row.messages += messagesIn(this.#store.readReport(key));
      row.isLoaded = true;
      row.isChanged = false;
      row.isInWrite = true;
      changed.push({ key, bytes: Buffer.from(String(row.messages)) });
    }
    return changed;
  }

  written({ write }: Written): void {
    for (const row of this.#rows.values()) {
      if (!row.isInWrite) continue;
      row.isInWrite = false;
      row.writtenIn = write;
    }
  }

  gaveUp(): void {
    this.add('lost', this.#lostBefore - this.#lost());
    this.#lostBefore = this.#lost();
  }

  rewriteAll(): void {
    for (const row of this.#rows.values()) {
      row.isChanged = true;
      row.isInWrite = false;
    }
  }

  forget(_nowMs: number, syncedWrites: number): void {
    for (const [name, row] of this.#rows)
      if (!row.isChanged && !row.isInWrite && row.writtenIn <= syncedWrites)
        this.#rows.delete(name);
  }

  /** The sum of the stored rows. */
  async stored(): Promise<number> {
    const snapshot = this.#store.snapshot();
    let messages = 0;
    try {
      for await (const [, bytes] of snapshot.reports(allRows)) messages += messagesIn(bytes);
    } finally {
      await snapshot.close();
    }
    return messages;
  }
}

function messagesIn(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : Number(Buffer.from(bytes).toString());
}
