import { mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../store/database.ts';
import { fatallyDamagedTables, isTable } from '../store/files/tables.ts';
import { KnownTables } from '../store/known-tables.ts';
import { VirtualServer } from '../testing/virtual-server.ts';
import { checkCounts } from './counts.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-doctor-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function flipBit(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const at = 40;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
  await file.close();
}

it.each([
  ['a flipped bit', flipBit],
  ['a missing end', (path: string) => truncate(path, 1_000)],
])('finds %s in a table that a start trusts', async (_, damage) => {
  const server = await VirtualServer.in(folder, startMs);
  await server.count(70);
  await server.stop();
  // Opening it moves the rows from LevelDB's log into a table.
  await (await openDatabase(folder)).close();
  const [table = ''] = (await readdir(folder)).filter(isTable);
  await damage(join(folder, table));
  const tables = new KnownTables(folder);
  await tables.load();
  await tables.closed();

  const ofNextStart = new KnownTables(folder);
  await ofNextStart.load();
  expect(await fatallyDamagedTables(folder, ofNextStart)).toEqual([]);
  const findings: unknown[] = [];
  for await (const finding of checkCounts(folder, startMs + 600_000)) findings.push(finding);
  const says = expect.stringContaining(`cannot read ${table} in ${folder}: `);
  expect(findings).toEqual([
    { check: 'data', state: 'fail', says, cure: expect.stringContaining('doctor --repair') },
  ]);
});
