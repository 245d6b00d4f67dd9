/** A data folder with counts in it, made by a real server. */
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

/** A folder with `messages` messages, whose server has stopped. */
export async function folderWithMessages(): Promise<string> {
  const { server, dataDir } = await serverWithMessages();
  await server.stop();
  return dataDir;
}
