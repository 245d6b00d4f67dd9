/** Finds the archive of a server on this machine. */
import { existsSync } from 'node:fs';
import { type ApiOptions, ask } from '@reto3/client';
import type { ArchiveInfo } from '@reto3/client/answers';
import { messageOf, Reto3Error } from '@reto3/core';

/**
 * The folder of the archive that the server keeps.
 * @throws Reto3Error RETO3_NO_ARCHIVE if it keeps none, or on another machine; what `ask` throws
 */
export async function archiveOfServer(api: ApiOptions): Promise<string> {
  const { archive } = await ask(api, '/v1/info');
  if (archive === undefined)
    throw new Reto3Error('RETO3_NO_ARCHIVE', `the server at ${api.url} keeps no archive`);
  if (!existsSync(archive.folder))
    throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${archive.folder}`);
  await assertHolder(api, archive);
  return archive.folder;
}

/**
 * Checks that the archive at that path is the server's own, and not one of another machine at the
 * same path. Servers that do not name themselves pass: older ones, and those without an archive.
 * @throws Reto3Error RETO3_NO_ARCHIVE
 */
export async function assertHolder(
  { url }: ApiOptions,
  { folder, holder }: Partial<Pick<ArchiveInfo, 'folder' | 'holder'>> = {},
): Promise<void> {
  if (folder === undefined || holder === undefined) return;
  const { readHolder } = await import('@reto3/archive');
  let found: string;
  try {
    found = readHolder(folder);
  } catch (error) {
    found = `none (${messageOf(error)})`;
  }
  if (found === holder) return;
  throw new Reto3Error(
    'RETO3_NO_ARCHIVE',
    `the archive in ${folder} on this machine is not that of the server at ${url}: got holder ${found}, want ${holder}`,
    {
      hint: 'run this on the machine of that server, or read a copy of its folder with --data-dir',
    },
  );
}
