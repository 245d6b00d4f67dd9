/** Reads a server's archive. */
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { readArchive } from '@reto3/archive/src/reader.ts';
import type { ArchiveInfo, Info } from '@reto3/client/answers';
import { askInfo } from './api.ts';
import type { Server } from './server.ts';
import { waitUntil } from './wait.ts';
import type { Counts } from './windows.ts';

const windowMs = 10;
const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** @throws Error if the server has no archive */
export async function archiveInfo(
  server: Server,
): Promise<Info & { readonly archive: ArchiveInfo }> {
  const { archive, ...info } = await askInfo(server.adminUrl);
  if (archive === undefined) throw new Error('got no archive in /v1/info');
  return { ...info, archive };
}

/** A data folder's archived messages, by the ms10 window of their arrival. */
export async function archivedWindows(dataDir: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for await (const batch of readArchive(join(dataDir, 'archive'), allTime, 'time')) {
    for (const time of batch.arrivedMs) {
      const window = Math.floor(time / windowMs) * windowMs;
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
  }
  return counts;
}

/** Resolves when every message is archived. */
export async function archiveSettled(server: Server): ReturnType<typeof archiveInfo> {
  let info = await archiveInfo(server);
  await waitUntil('nothing is on its way into the archive', async () => {
    info = await archiveInfo(server);
    return info.archive.waiting === 0;
  });
  return info;
}

/**
 * Windows with more counted than archived messages: their starts, and the number of missing
 * messages.
 */
export function missingIn(
  archived: Counts,
  stored: Counts,
): { readonly starts: readonly number[]; readonly messages: number } {
  const starts: number[] = [];
  let messages = 0;
  for (const [start, count] of stored) {
    const missing = count - (archived.get(start) ?? 0);
    if (missing <= 0) continue;
    starts.push(start);
    messages += missing;
  }
  return { starts, messages };
}

/** The number of archived messages that were not counted. */
export function uncountedIn(archived: Counts, stored: Counts): number {
  return missingIn(stored, archived).messages;
}

const hourMs = 3_600_000;

/**
 * Stalls the archive's thread of a new server when it opens its first segment, now or after the
 * next full hour: the segment's file is a pipe without a reader.
 * @returns a function that lets the thread continue; its writes are lost, so the server cannot stop
 *   cleanly
 */
export function stallArchive(dataDir: string): () => void {
  const pipes = [0, hourMs].map((laterMs) => {
    const hour = new Date(Date.now() + laterMs).toISOString().slice(0, 13);
    return join(dataDir, 'archive', 'segments', `0000000001_${hour}.segment`);
  });
  execFileSync('mkfifo', pipes);
  return () => {
    for (const pipe of pipes)
      createReadStream(pipe)
        .on('error', () => undefined)
        .resume();
  };
}
