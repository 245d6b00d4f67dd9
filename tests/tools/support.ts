/** A data folder with counts in it, made by a real server. */
import { VirtualServer } from '../../packages/server/src/coordinator/coordinator.virtual.ts';
import { openDatabase } from '../../packages/server/src/store/database.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';

export const messages = 5_000;

/** Starts a server on a new folder and sends `messages` messages, which are all answered. */
export async function serverWithMessages(): Promise<{ server: Server; dataDir: string }> {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir });
  const load = Load.start({ port: server.port, connections: 4, depth: 4, requests: messages });
  await load.done;
  return { server, dataDir };
}

/** Four minutes of counts, of which three are closed: 200 seconds of `perSecond` messages. */
export async function folderWithBlocks(startMs: number): Promise<string> {
  const folder = await temporaryFolder();
  const server = await VirtualServer.in(folder, startMs);
  await server.count(200);
  await server.stop();
  return folder;
}

/** Flips a bit in the first stored row of a series, or the one after so many; resolves with where the row starts, epoch ms. */
export async function flipRow(
  folder: string,
  series: 'ms10' | 'sec' | 'min',
  after = 0,
): Promise<number> {
  const database = await openDatabase(folder);
  const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  try {
    const range = { gt: Buffer.from(`!${series}!`), lt: Buffer.from(`!${series}"`), ...raw };
    let before = after;
    for await (const [key, value] of database.iterator<Buffer, Buffer>(range)) {
      if (before-- > 0) continue;
      const flipped = Buffer.from(value);
      flipped[8] = (flipped[8] ?? 0) ^ 1;
      await database.put<Buffer, Buffer>(key, flipped, raw);
      return key.readUIntBE(key.length - 6, 6);
    }
  } finally {
    await database.close();
  }
  throw new Error(`there is no row of ${series}`);
}

/** A folder with `messages` messages, whose server has stopped. */
export async function folderWithMessages(): Promise<string> {
  const { server, dataDir } = await serverWithMessages();
  await server.stop();
  return dataDir;
}
