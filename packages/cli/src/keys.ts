/** The source of keys for `reto3 bursts --who` without a server. */
import { existsSync } from 'node:fs';
import { Reto3Error } from '@reto3/core';
import type { CountKeys, Store } from '@reto3/engine';
import { type CountsSource, scopeOf } from './answers.ts';
import { filesOf } from './log-files.ts';
import { reportInFolder, reportInMergersFolder } from './stored-report.ts';

/**
 * @param who the key as the user wrote it
 * @param store of the folder, if the source is a folder
 * @throws Reto3Error RETO3_BAD_REQUEST, RETO3_NO_ARCHIVE, RETO3_DUCKDB_MISSING
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
    return countLogKeys(await filesOf(source.logs), source.options, Date.now(), key);
  }
  if (!('dataDir' in source) || store === undefined)
    throw new Error('BUG: a server names who was behind its bursts');
  const isCluster = scopeOf(selector).scope === 'cluster';
  const folder = archiveFolderOf(source.dataDir);
  if (!isCluster && existsSync(folder) && !key.startsWith('header:')) {
    const { archivedKey, countKeys } = await import('@reto3/archive');
    const archived = archivedKey(key);
    return (range, stretches) => countKeys({ folder, range, stretches, key: archived });
  }
  const name = `by:${key}`;
  const [missing, cure] = isCluster
    ? [`report ${name} of any node`, '']
    : [`archive and no report ${name}`, '--archive, or with '];
  const read = isCluster ? reportInMergersFolder : reportInFolder;
  const { report, open } = await read(store, name, undefined).catch((error: unknown) => {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_NO_REPORT') throw error;
    throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no ${missing} in ${source.dataDir}`, {
      hint: `serve with ${cure}--report ${name}`,
    });
  });
  const { countKeysOf } = await import('@reto3/reports');
  return countKeysOf(report, open);
}
