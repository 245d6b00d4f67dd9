/**
 * Counts messages by a key for /v1/bursts?who, from the archive: in a thread of its own, one question
 * at a time, so that a server on one core goes on counting.
 */
import type { Archive } from '@reto3/archive';
import { Reto3Error } from '@reto3/core';
import { type CountKeys, type KeyCounts, parseWhoKey } from '@reto3/engine';
import type { SelectorQuery } from './schemas.ts';
import { selectorOf } from './scope.ts';

export class Culprits {
  readonly #archive: Archive | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param archive undefined if the server keeps none */
  constructor(archive: Archive | undefined) {
    this.#archive = archive;
  }

  /**
   * @param who the key, as the user named it
   * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE
   */
  source(who: string, query: SelectorQuery): (signal: AbortSignal) => CountKeys {
    const key = parseWhoKey(who);
    if (selectorOf(query).scope === 'cluster')
      throw new Reto3Error('RETO3_BAD_REQUEST', 'got who with the counts of a cluster', {
        hint: 'ask the node itself: only its archive has the messages',
      });
    const folder = this.#archive?.folder;
    if (folder === undefined)
      throw new Reto3Error('RETO3_NO_ARCHIVE', 'the server keeps no archive, which has the keys', {
        hint: 'start it with --archive',
      });
    return (signal) => (range, stretches) =>
      this.#inTurn(async () => {
        const { archivedKey, countKeysInThread } = await import('@reto3/archive');
        const question = { folder, range, stretches, key: archivedKey(key) };
        return countKeysInThread(question, signal);
      });
  }

  #inTurn(work: () => Promise<KeyCounts>): Promise<KeyCounts> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
