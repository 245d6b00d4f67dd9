/** A merger's folder, for tests. */
import { openDatabase } from '../store/database.ts';
import { seal } from '../store/meta.ts';
import { Store } from '../store/store.ts';
import { VirtualServer } from './virtual-server.ts';

/** Makes one with some minutes of counts, a part of a node and the merger's record. */
export async function makeMergerFolder(folder: string, startMs: number): Promise<void> {
  const server = await VirtualServer.in(folder, startMs);
  await server.count(130);
  await server.stop();
  const store = await Store.open(() => openDatabase(folder));
  const bytes = Uint8Array.of(1, 2, 3);
  await store.write([{ part: 'web-1', start: startMs, bytes }, { merge: seal('{}') }], {
    sync: true,
  });
  await store.close();
}
