import { MemoryLevel } from 'memory-level';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BackupSource } from '../coordinator/stored.ts';
import { decodeMeta, newMeta } from '../store/meta.ts';
import { Store, type StoreSnapshot } from '../store/store.ts';
import { VirtualServer } from '../testing/virtual-server.ts';
import { type BackupRecord, readBackup, writeBackup } from './stream.ts';

let server: VirtualServer;
let backup: Buffer;

async function written(snapshot: BackupSource, merger?: StoreSnapshot): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBackup(snapshot, merger)) pieces.push(piece);
  await snapshot.close();
  return Buffer.concat(pieces);
}

/** Reads a backup that arrives in pieces. */
async function read(bytes: Buffer, pieceBytes = 1_000): Promise<BackupRecord[]> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const records: BackupRecord[] = [];
  for await (const record of readBackup(pieces())) records.push(record);
  return records;
}

beforeAll(async () => {
  const database = new MemoryLevel<string, string>();
  const store = await Store.open(async () => database);
  server = await VirtualServer.on(store, Date.UTC(2016, 4, 28, 11, 11));
  await server.count(70);
  backup = await written(await server.coordinator.backup());
});

describe('a backup', () => {
  it.each([1, 7, 1_000_000])('gives back every row, read in pieces of %s', async (pieceBytes) => {
    const records = await read(backup, pieceBytes);
    const series = records.flatMap((record) => ('series' in record ? record.series : []));
    // One closed minute, ten seconds of the next one, and the second that has just begun.
    const journal = new Array<string>(11).fill('journal');
    expect(series).toEqual([...journal, 'ms10', 'sec', 'min']);
    const [meta] = records;
    if (meta === undefined || !('text' in meta)) throw new Error('no meta row');
    expect(decodeMeta(meta.value)).toMatchObject({ node: 'test', boot: 1 });
  });

  it('has the rows of a merger after those of the node, unchanged', async () => {
    const database = new MemoryLevel<string, string>();
    const store = await Store.open(async () => database);
    // A merger's text may be longer than any row.
    const merge = 'the state of a node '.repeat(60_000);
    const [start, bytes] = [Date.UTC(2016, 4, 28), Uint8Array.of(1, 2, 3)];
    const rows = [
      { put: 'ms10', start, bytes },
      { report: Buffer.from('sizes/ms10/012345web-1'), bytes },
      { part: 'web-1', start, bytes },
      { part: 'web-2', start, bytes: Uint8Array.of() },
    ] as const;
    await store.write([...rows, { merge }, { meta: newMeta('cluster') }], { sync: false });
    const snapshot = store.snapshot();
    const both = await written(await server.coordinator.backup(), snapshot);
    await snapshot.close();
    const records = await read(both, 100_000);
    const begins = records.findIndex((record) => 'begins' in record);
    const merger = records.slice(begins + 1);
    expect(merger).toEqual([
      { text: 'node', value: expect.stringContaining('"node":"cluster"') },
      { text: 'merge', value: merge },
      { series: 'ms10', row: { start, bytes: Buffer.from(bytes) } },
      { report: Buffer.from('sizes/ms10/012345web-1'), bytes: Buffer.from(bytes) },
      { part: 'web-1', start, bytes: Buffer.from(bytes) },
      { part: 'web-2', start, bytes: Buffer.from([]) },
    ]);
    // Each backup begins with a flush, which the meta row counts.
    const alone = await read(await written(await server.coordinator.backup()));
    expect(records.slice(1, begins)).toEqual(alone.slice(1));
  });

  it('has the rows of one moment, whatever is written while it is read', async () => {
    const snapshot = await server.coordinator.backup();
    const before = await written(await server.coordinator.backup());
    await server.count(5);
    expect((await written(snapshot)).length).toBe(before.length);
  });

  it('is refused if any bit is flipped', async () => {
    for (let at = 0; at < backup.length; at += 13) {
      const flipped = Buffer.from(backup);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      await expect(read(flipped)).rejects.toMatchObject({ code: 'RETO3_BACKUP_DAMAGED' });
    }
  });

  it('is refused if it was cut or extended', async () => {
    for (let end = 0; end < backup.length; end += 29)
      await expect(read(backup.subarray(0, end))).rejects.toThrow('cannot read the backup');
    await expect(read(Buffer.concat([backup, backup]))).rejects.toThrow('after its end');
    await expect(read(Buffer.from('no backup at all'))).rejects.toThrow('it is not a backup');
  });
});
