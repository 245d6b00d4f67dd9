/**
 * What a folder knows about the files that were at one path: positions of those not open now, and
 * which rotated files are ignored. Collects what the next record must save.
 */
import { newSourceId, type SourcePosition } from '@reto3/engine';
import { fingerprintOf } from '../position.ts';
import type { Known } from './rotated-files.ts';

export class KnownTexts {
  readonly #path: string;
  /** Positions of files that are not open, by their ids. */
  readonly #closed = new Map<string, Known>();
  /** Ids of those that may not be saved yet. */
  readonly #unwritten = new Set<string>();
  /** The row with the hashes of ignored files. */
  #ignored: SourcePosition | undefined;
  #isIgnoredUnwritten = false;

  /** @param positions the folder's, for that path */
  constructor(path: string, positions: readonly SourcePosition[]) {
    this.#path = path;
    for (const position of positions) {
      if (position.ignored !== undefined) this.#ignored = position;
      else this.#closed.set(position.id, { position });
    }
  }

  get closed(): Iterable<Known> {
    return this.#closed.values();
  }

  isClosed({ position: { id } }: Known): boolean {
    return this.#closed.has(id);
  }

  close(known: Known): void {
    const { id } = known.position;
    this.#closed.set(id, known);
    this.#unwritten.add(id);
  }

  /** The file is open now; its owner saves its position. */
  open({ position: { id } }: Known): void {
    this.#closed.delete(id);
    this.#unwritten.delete(id);
  }

  /** SHA-256 of first bytes; undefined until the path is followed. */
  get ignored(): readonly string[] | undefined {
    return this.#ignored?.ignored;
  }

  ignore(hashes: ReadonlySet<string>): void {
    if (this.ignored?.length === hashes.size) return;
    const none = fingerprintOf(Buffer.alloc(0));
    this.#ignored = {
      id: this.#ignored?.id ?? newSourceId(),
      path: this.#path,
      ...{ head: none, end: none, offset: 0, lines: 0 },
      ignored: [...hashes],
    };
    this.#isIgnoredUnwritten = true;
  }

  /**
   * What changed since the last call. A file without a message stays unknown: the next server may get
   * the right format.
   */
  takeUnwritten(): SourcePosition[] {
    const ids = [...this.#unwritten];
    this.#unwritten.clear();
    const changed = ids
      .map((id) => this.#closed.get(id)?.position)
      .filter((position) => position?.times !== undefined);
    if (this.#isIgnoredUnwritten) changed.push(this.#ignored);
    this.#isIgnoredUnwritten = false;
    return changed.filter((position) => position !== undefined);
  }

  /** The next call returns everything. */
  markAllUnwritten(): void {
    for (const id of this.#closed.keys()) this.#unwritten.add(id);
    this.#isIgnoredUnwritten = this.#ignored !== undefined;
  }
}
