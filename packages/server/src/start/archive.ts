/** Starts the archive, if `--archive` is on. */
import { existsSync } from 'node:fs';
import type { Archive } from '@reto3/archive';
import { archiveFolderOf, type Coordinator } from '@reto3/engine';
import type { Start } from './start.ts';

/**
 * Without `--archive`, an existing archive is still recovered: messages that the store lost must be
 * cut off before new writes reuse their numbers. Loads the package only if there is an archive.
 * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION
 */
export async function startArchive(
  { config, ingests, dataDir, log, shutdown, late }: Start,
  { writesBefore: writes }: Coordinator,
): Promise<Archive | undefined> {
  if (!ingests || !config.archive) {
    const folder = archiveFolderOf(dataDir);
    if (existsSync(folder)) {
      const { cutOffTexts, recoverArchive } = await import('@reto3/archive');
      for (const text of cutOffTexts(recoverArchive(folder, writes))) log.warn(text);
    }
    return undefined;
  }
  const { Archive } = await import('@reto3/archive');
  const limits = { maxBytes: config.archiveMaxBytes, maxAgeMs: config.archiveMaxAge };
  const { workers: workerCount } = config;
  const archive = await Archive.start({ workerCount, dataDir, writes, limits, log });
  shutdown.add('archive', () => archive.stop());
  late.archive = archive;
  return archive;
}
