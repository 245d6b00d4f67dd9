/** Real folders and DuckDB: which kept messages are in the archive, whenever the import ends. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listArchive } from './folder.ts';
import { type KeptRequest, MessageKeeper, type TextRange } from './keep.ts';
import { hourMs, pendingPath } from './layout.ts';
import { readArchive } from './reader.ts';
import { recoverArchive } from './recover.ts';

const write = 7;
const startMs = Date.UTC(2016, 4, 28, 11, 59, 59, 990);

function range(text: string): TextRange {
  const bytes = Buffer.from(`<${text}>`);
  return { bytes, from: 1, to: bytes.length - 1 };
}

function request(path: string, status = 200): KeptRequest {
  return {
    ...{ method: range('GET'), path: range(path), query: range('') },
    ...{ host: range(''), client: range('192.0.2.7'), status },
  };
}

describe('MessageKeeper', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reto3-keep-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (): Promise<MessageKeeper> =>
    MessageKeeper.open(folder, "o'clock.log", async () => write);

  async function keepThree(): Promise<MessageKeeper> {
    const keeper = await open();
    keeper.message(startMs, request('/é', 0), undefined);
    keeper.message(startMs + 20, request('/b'), 1.5);
    keeper.message(startMs + 10, request('/c', 404), 0);
    await keeper.finish();
    return keeper;
  }

  async function kept(): Promise<unknown[]> {
    const rows: unknown[] = [];
    const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
    const needs = ['host', 'client', 'status', 'duration'] as const;
    for await (const batch of readArchive(folder, all, needs))
      for (let row = 0; row < batch.length; row++)
        rows.push([
          ...[(batch.arrivedMs[row] ?? 0) - startMs, batch.method(row), batch.path(row)],
          ...[batch.host(row), batch.client(row), batch.status(row)],
          ...[batch.durationMs(row), batch.source(row)],
        ]);
    return rows;
  }

  const rows = [
    [0, 'GET', '/é', '', '192.0.2.7', undefined, undefined, "o'clock.log"],
    [20, 'GET', '/b', '', '192.0.2.7', 200, 1.5, "o'clock.log"],
    [10, 'GET', '/c', '', '192.0.2.7', 404, 0, "o'clock.log"],
  ];

  it('shows messages once they are counted, each in the file of its hour', async () => {
    const keeper = await keepThree();
    expect(listArchive(folder)).toEqual([]);
    keeper.release();
    keeper.close();
    expect(await kept()).toEqual(rows);
    expect(listArchive(folder).map(({ hour, messages }) => [hour, messages])).toEqual([
      [startMs + 10 - hourMs, 1],
      [startMs + 10, 2],
    ]);
  });

  it('keeps a text with NUL, even if all messages have it', async () => {
    const keeper = await open();
    for (let row = 0; row < 2; row++) keeper.message(startMs, request('/a\0b'), undefined);
    await keeper.finish();
    keeper.release();
    keeper.close();
    const row = [0, 'GET', '/a\0b', '', '192.0.2.7', 200, undefined, "o'clock.log"];
    expect(await kept()).toEqual([row, row]);
  });

  it('leaves nothing of messages that are not counted', async () => {
    const keeper = await keepThree();
    keeper.close();
    expect(readdirSync(join(folder, 'segments'))).toEqual([]);
  });

  it('numbers its files behind those that are there', async () => {
    for (let run = 0; run < 2; run++) {
      const keeper = await keepThree();
      keeper.release();
      keeper.close();
    }
    expect(listArchive(folder).map(({ sequence }) => sequence)).toEqual([1, 3, 2, 4]);
    expect(await kept()).toHaveLength(6);
  });

  it.each([
    ['finished where the store has its write', write, rows],
    ['undone where the store does not have its write', write - 1, []],
  ] as const)('is %s', async (_, writes, wanted) => {
    // Ends without any clean-up, as with kill -9.
    await keepThree();
    recoverArchive(folder, writes);
    expect(await kept()).toEqual(wanted);
    expect(readdirSync(join(folder, 'segments'))).toEqual([]);
  });

  it('reports a full disk or a failed write, and leaves no file', async () => {
    const pending = pendingPath({ sequence: 1, hour: 0, messages: 1, write });
    mkdirSync(join(folder, dirname(pending)), { recursive: true });
    symlinkSync('/dev/full', join(folder, pending));
    const full = await open();
    full.message(0, request('/'), undefined);
    await expect(full.finish()).rejects.toMatchObject({
      code: 'RETO3_DISK_FULL',
      message: `cannot keep messages in ${folder}: no space left on its disk`,
    });
    full.close();
    expect(readdirSync(join(folder, dirname(pending)))).toEqual([]);

    rmSync(join(folder, dirname(pending)), { recursive: true });
    writeFileSync(join(folder, dirname(pending)), '');
    const barred = await open();
    barred.message(0, request('/'), undefined);
    await expect(barred.finish()).rejects.toMatchObject({ code: 'RETO3_FILE_UNWRITABLE' });
    barred.close();
  });
});
