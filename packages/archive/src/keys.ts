/**
 * Counts archived messages by a key, in a range and in stretches of it, to find out who was behind
 * a burst.
 */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';
import {
  beforeMs,
  type KeyCount,
  type KeyCounts,
  type KeyStretch,
  leastCount,
  leastShare,
  type WhoKey,
} from '@reto3/engine';
import type { DuckDbOptions } from './duckdb.ts';
import type { ArchiveRange } from './reader.ts';
import { ArchiveSql } from './sql.ts';

export type ArchivedKey = Exclude<WhoKey, `header:${string}`>;

/** The column of a key, if the archive has it. @throws Reto3Error RETO3_NO_ARCHIVE */
export function archivedKey(key: WhoKey): ArchivedKey {
  if (!isHeader(key)) return key;
  throw new Reto3Error('RETO3_NO_ARCHIVE', 'the archive keeps no headers', {
    hint: `count them with reto3 serve --report by:${key}`,
  });
}

function isHeader(key: WhoKey): key is `header:${string}` {
  return key.startsWith('header:');
}

export interface KeyQuestion {
  /** The folder of the archive. */
  readonly folder: string;
  readonly range: ArchiveRange;
  /** The stretches must not overlap. */
  readonly stretches: readonly KeyStretch[];
  readonly key: ArchivedKey;
}

/** How many keys of the range are listed: those with the most messages. */
const maxKeys = 100;

/**
 * @param options of DuckDB
 * @throws Reto3Error RETO3_BAD_RANGE if the memory does not suffice, and what `ArchiveSql` throws
 */
export async function countKeys(
  question: KeyQuestion,
  options: DuckDbOptions = {},
): Promise<KeyCounts> {
  const { folder, range, stretches } = question;
  const sql = statementOf(question);
  const archive = await ArchiveSql.open({
    ...{ folder, range, sql, options },
    counts: async () => undefined,
  });
  try {
    const keys = stretches.map((): { messages: number; keys: KeyCount[] } => ({
      messages: 0,
      keys: [],
    }));
    const frequent: { key: string; total: number }[] = [];
    const all = { messages: 0, keys: 0 };
    const { rows } = await archive.select(sql);
    for await (const [kind, id, key, count, total, before] of rows) {
      const stretch = keys[Number(id)];
      if (kind === 'all') Object.assign(all, { messages: Number(count), keys: Number(total) });
      else if (kind === 'frequent') frequent.push({ key: key ?? '', total: Number(total) });
      else if (stretch !== undefined && kind === 'stretch') stretch.messages = Number(count);
      else
        stretch?.keys.push({
          ...{ key: key ?? '', count: Number(count), total: Number(total) },
          before: Number(before),
        });
    }
    return { ...all, frequent, stretches: keys };
  } catch (cause) {
    if (!/\bout of memory\b/i.test(messageOf(cause))) throw cause;
    const message = `cannot count so many different keys: ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_BAD_RANGE', message, { cause, hint: 'ask for a shorter range' });
  } finally {
    archive.close();
  }
}

function statementOf({ stretches, key }: KeyQuestion): string {
  const values = stretches.map(
    ({ from, to }, id) => `(${id}, epoch_ms(${Math.round(from)}), epoch_ms(${Math.round(to)}))`,
  );
  // A stretch that matches nothing, so that the list is not empty.
  values.push(`(-1, epoch_ms(0), epoch_ms(0))`);
  return `
    WITH stretches(id, since, until) AS (VALUES ${values.join(', ')}),
    keyed AS (SELECT coalesce(${key}::VARCHAR, '') AS key, arrived FROM messages),
    totals AS MATERIALIZED (SELECT key, count(*) AS total FROM keyed GROUP BY key),
    inside AS MATERIALIZED (
      SELECT id, key, count(*) AS count FROM keyed
      JOIN stretches ON arrived >= since AND arrived < until GROUP BY id, key),
    earlier AS (
      SELECT id, key, count(*) AS before FROM keyed
      JOIN stretches ON arrived >= since - INTERVAL ${beforeMs} MILLISECONDS AND arrived < since
      GROUP BY id, key),
    sums AS (SELECT id, sum(count) AS messages FROM inside GROUP BY id)
    SELECT 'all', NULL, NULL, coalesce(sum(total), 0), count(*), NULL FROM totals
    UNION ALL SELECT 'stretch', id, NULL, messages, NULL, NULL FROM sums
    UNION ALL SELECT 'key', id, key, count, total, coalesce(before, 0)
      FROM inside JOIN sums USING (id) JOIN totals USING (key) LEFT JOIN earlier USING (id, key)
      WHERE count >= ${leastCount} AND count >= ${leastShare} * messages
    UNION ALL (SELECT 'frequent', NULL, key, NULL, total, NULL FROM totals
      ORDER BY total DESC, key LIMIT ${maxKeys})`;
}

/** The answer of the thread: the counts, or the error. */
export type FromKeyThread =
  | { readonly counts: KeyCounts }
  | { readonly code: ErrorCode | undefined; readonly message: string };

/**
 * Does the same in a thread, on one core and in little memory, so that a server goes on counting.
 * @param signal ends the thread; its reason is thrown
 */
export async function countKeysInThread(
  question: KeyQuestion,
  signal: AbortSignal,
): Promise<KeyCounts> {
  signal.throwIfAborted();
  const workerData: KeyQuestion = question;
  const thread = new Worker(new URL('./keys-thread.js', import.meta.url), {
    workerData,
    name: 'reto3 keys',
  });
  const end = (): void => void thread.terminate();
  signal.addEventListener('abort', end);
  try {
    const told = await new Promise<FromKeyThread | undefined>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', () => resolve(undefined));
    });
    signal.throwIfAborted();
    if (told === undefined) throw new Error('the thread that reads the archive ended early');
    if ('counts' in told) return told.counts;
    throw told.code === undefined
      ? new Error(told.message)
      : new Reto3Error(told.code, told.message);
  } finally {
    signal.removeEventListener('abort', end);
    await thread.terminate();
  }
}
