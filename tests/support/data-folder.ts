/** Data folders with counts, made by a real server. */

import type { PeriodName } from '@reto3/core';
import { openDatabase } from '@reto3/engine';
import { VirtualServer } from '@reto3/engine/testing';
import { temporaryFolder } from './folder.ts';
import { Load } from './load.ts';
import { Server } from './server.ts';

export const messages = 5_000;

/** Starts a server on a new folder and sends `messages` messages, all of which it answers. */
export async function serverWithMessages(): Promise<{ server: Server; dataDir: string }> {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir });
  const load = Load.start({ port: server.port, connections: 4, depth: 4, requests: messages });
  await load.done;
  return { server, dataDir };
}

/** Four minutes of counts, three of them over: 200 seconds of `perSecond` messages. */
export async function folderWithBlocks(startMs: number): Promise<string> {
  const folder = await temporaryFolder();
  const server = await VirtualServer.in(folder, startMs);
  await server.count(200);
  await server.stop();
  return folder;
}

/** A minute of counts, followed by minutes with damaged ms10 blocks. */
export async function folderWithDamage(startMs: number, minutes: number): Promise<string> {
  const folder = await temporaryFolder();
  const server = await VirtualServer.in(folder, startMs);
  for (let minute = 0; minute <= minutes; minute++) {
    await server.count(1);
    server.clock.pass(59_000);
  }
  await server.count(1);
  await server.stop();
  await flipRows(folder, 'ms10', 1, minutes);
  return folder;
}

/**
 * Flips a bit in a stored row of a series, by default the first row. Returns the row's start, epoch
 * ms.
 */
export async function flipRow(folder: string, series: PeriodName, after = 0): Promise<number> {
  const [start] = await flipRows(folder, series, after, 1);
  if (start === undefined) throw new Error(`there is no row of ${series}`);
  return start;
}

/** Flips a bit in each of several rows. */
async function flipRows(
  folder: string,
  series: PeriodName,
  after: number,
  most: number,
): Promise<number[]> {
  const database = await openDatabase(folder);
  const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  try {
    const range = { gt: Buffer.from(`!${series}!`), lt: Buffer.from(`!${series}"`), ...raw };
    const rows = await database.iterator<Buffer, Buffer>(range).all();
    const chosen = rows.slice(after, after + most);
    for (const [key, value] of chosen) {
      const flipped = Buffer.from(value);
      flipped[8] = (flipped[8] ?? 0) ^ 1;
      await database.put<Buffer, Buffer>(key, flipped, raw);
    }
    return chosen.map(([key]) => key.readUIntBE(key.length - 6, 6));
  } finally {
    await database.close();
  }
}

/** A folder with `messages` messages; its server has stopped. */
export async function folderWithMessages(): Promise<string> {
  const { server, dataDir } = await serverWithMessages();
  await server.stop();
  return dataDir;
}
