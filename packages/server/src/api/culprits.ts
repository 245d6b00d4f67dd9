/**
 * Counts messages by a key for /v1/bursts?who: exactly from the archive, in a thread of its own, one
 * question at a time, so that a server on one core goes on counting; otherwise, with bounds, from a
 * report such as `by:path`.
 */
import type { Archive } from '@reto3/archive';
import { Reto3Error } from '@reto3/core';
import { type Coordinator, type CountKeys, type KeyCounts, parseWhoKey } from '@reto3/engine';
import { countKeysOf, type ReportLedgers, resolveReport } from '@reto3/reports';
import type { ReadContext } from './read-context.ts';
import type { SelectorQuery } from './schemas.ts';
import { selectorOf } from './scope.ts';

export interface KeySources {
  readonly coordinator: Coordinator;
  /** Undefined if the server keeps none. */
  readonly archive: Archive | undefined;
  readonly ledgers: ReportLedgers;
}

export class Culprits {
  readonly #sources: KeySources;
  #last: Promise<unknown> = Promise.resolve();

  constructor(sources: KeySources) {
    this.#sources = sources;
  }

  /**
   * @param who the key, as the user named it
   * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE
   */
  source(who: string, query: SelectorQuery): (context: ReadContext) => CountKeys {
    const key = parseWhoKey(who);
    if (selectorOf(query).scope === 'cluster')
      throw new Reto3Error('RETO3_BAD_REQUEST', 'got who with the counts of a cluster', {
        hint: 'ask the node itself: only it has the keys',
      });
    const { archive, ledgers } = this.#sources;
    const report = `by:${key}`;
    if (archive !== undefined && !key.startsWith('header:')) {
      const { folder } = archive;
      return ({ signal }) =>
        (range, stretches) =>
          this.#inTurn(async () => {
            const { archivedKey, countKeysInThread } = await import('@reto3/archive');
            const question = { folder, range, stretches, key: archivedKey(key) };
            return countKeysInThread(question, signal);
          });
    }
    if (ledgers.facts().some(({ name }) => name === report))
      return (context) => this.#ofReport(report, context);
    throw new Reto3Error(
      'RETO3_NO_ARCHIVE',
      `the server keeps no archive and no report ${report}`,
      {
        hint: `start it with --archive, or with --report ${report}`,
      },
    );
  }

  #ofReport(name: string, context: ReadContext): CountKeys {
    const { coordinator, ledgers } = this.#sources;
    return async (range, stretches) => {
      const report = await resolveReport(name, ledgers.running(name), ledgers.facts());
      const finalThrough = coordinator.sweep();
      await ledgers.gather({ sync: true });
      const countKeys = countKeysOf(report, async (period) =>
        context.report(await ledgers.view(name, period, finalThrough)),
      );
      return countKeys(range, stretches);
    };
  }

  #inTurn(work: () => Promise<KeyCounts>): Promise<KeyCounts> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
