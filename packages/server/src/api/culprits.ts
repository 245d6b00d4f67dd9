/**
 * Counts messages by a key for /v1/bursts?who. With an archive the counts are exact: a thread reads
 * it, one question at a time, so that a server on one core goes on counting. Without one, a report
 * such as `by:path` gives bounds. For a cluster or one of its nodes, the reports that nodes publish
 * give them.
 */
import type { Archive } from '@reto3/archive';
import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import { type Coordinator, type CountKeys, type KeyCounts, parseWhoKey } from '@reto3/engine';
import { countKeysOf, type ReportLedgers, resolveReport } from '@reto3/reports';
import type { ReadContext } from './read-context.ts';
import type { SelectorQuery } from './schemas.ts';
import { requireCluster, selectorOf } from './scope.ts';

export interface KeySources {
  readonly coordinator: Coordinator;
  /** Undefined without an archive. */
  readonly archive: Archive | undefined;
  readonly ledgers: ReportLedgers;
  readonly cluster: Cluster | undefined;
}

export class Culprits {
  readonly #sources: KeySources;
  #last: Promise<unknown> = Promise.resolve();

  constructor(sources: KeySources) {
    this.#sources = sources;
  }

  /**
   * @param who the key as the user wrote it
   * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE
   */
  source(who: string, query: SelectorQuery): (context: ReadContext) => CountKeys {
    const key = parseWhoKey(who);
    const report = `by:${key}`;
    const { scope, node } = selectorOf(query);
    if (scope === 'cluster') return (context) => this.#ofCluster(report, node, context);
    const { archive, ledgers } = this.#sources;
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

  /** Counts with the published rows of all nodes, or of one. */
  #ofCluster(name: string, node: string | undefined, context: ReadContext): CountKeys {
    const { reports } = requireCluster(this.#sources.cluster);
    return async (range, stretches) => {
      const report = await reports.which(name);
      const without = reports.without(report, node);
      // The burst may have come from requests to just these nodes.
      if (without.length > 0)
        throw new Reto3Error(
          'RETO3_NO_REPORT',
          `cannot name who it was without ${without.join(', ')}: no ${name} there`,
          {
            hint: `start every node with --report ${name}`,
          },
        );
      const countKeys = countKeysOf(report, async (period) =>
        context.report(reports.view(report, period, node)),
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
