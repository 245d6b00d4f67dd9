/** The source of keys for `reto3 bursts --who` without a server. */
import { existsSync } from 'node:fs';
import { Reto3Error } from '@reto3/core';
import type { CountKeys, Store, WhoKey } from '@reto3/engine';
import { type CountsSource, scopeOf } from './answers.ts';

/**
 * @param who the key as the user wrote it
 * @param store of the folder, if the source is a folder
 * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE, RETO3_BAD_FLAG, RETO3_DUCKDB_MISSING
 */
export async function keysOf(
  source: CountsSource,
  selector: Parameters<typeof scopeOf>[0],
  who: string,
  store: Store | undefined,
): Promise<CountKeys> {
  const { archiveFolderOf, parseWhoKey } = await import('@reto3/engine');
  const key = parseWhoKey(who);
  if ('logs' in source) {
    const { countLogKeys } = await import('@reto3/sources');
    return countLogKeys(source.logs, source.options, Date.now(), key);
  }
  if (!('dataDir' in source) || store === undefined)
    throw new Error('BUG: a server names who was behind its bursts');
  if (scopeOf(selector).scope === 'cluster')
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --who with --cluster, want one of them', {
      hint: 'ask the node itself: only it has the keys',
    });
  const folder = archiveFolderOf(source.dataDir);
  if (existsSync(folder) && !key.startsWith('header:')) {
    const { archivedKey, countKeys } = await import('@reto3/archive');
    const archived = archivedKey(key);
    return (range, stretches) => countKeys({ folder, range, stretches, key: archived });
  }
  return ofReport(store, source.dataDir, key);
}

/** Counts with the rows of the report `by:KEY` in the folder. */
async function ofReport(store: Store, dataDir: string, key: WhoKey): Promise<CountKeys> {
  const { countKeysOf, ReportView, readFacts, resolveReport } = await import('@reto3/reports');
  const name = `by:${key}`;
  const facts = [...(await readFacts(store)).values()];
  if (!facts.some((each) => each.name === name))
    throw new Reto3Error(
      'RETO3_NO_ARCHIVE',
      `there is no archive and no report ${name} in ${dataDir}`,
      { hint: `serve with --archive, or with --report ${name}` },
    );
  const report = await resolveReport(name, undefined, facts);
  return countKeysOf(report, (period) => ReportView.ofFolder(name, period, store.snapshot()));
}
