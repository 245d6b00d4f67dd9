import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-database-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The error of `openDatabase`. */
async function failureOf(path: string): Promise<unknown> {
  try {
    await (await openDatabase(path)).close();
  } catch (error) {
    return error;
  }
  throw new Error(`${path} could be opened`);
}

describe('opening a database', () => {
  it('creates the folder and its parents', async () => {
    const database = await openDatabase(join(folder, 'a', 'b'));
    await database.put('key', 'value');
    expect(await database.get('key')).toBe('value');
    await database.close();
  });

  it('fails while this process has it open, and succeeds afterwards', async () => {
    const first = await openDatabase(folder);
    expect(await failureOf(folder)).toMatchObject({
      code: 'RETO3_DATA_LOCKED',
      message: `cannot open the data folder ${folder}: another server holds it`,
      cause: { code: 'LEVEL_LOCKED' },
    });
    await first.close();
    await (await openDatabase(folder)).close();
  });

  it('fails while another process has it open, and succeeds once that is killed', async () => {
    const other = await processThatHolds(folder);
    try {
      expect(await failureOf(folder)).toMatchObject({ code: 'RETO3_DATA_LOCKED' });
    } finally {
      const exited = once(other, 'exit');
      other.kill('SIGKILL');
      await exited;
    }
    await (await openDatabase(folder)).close();
  });

  it('ignores a table that a killed process had not finished', async () => {
    const database = await openDatabase(folder);
    for (let row = 0; row < 200; row++) await database.put(`key ${row}`, 'x'.repeat(50_000));
    await database.close();
    const [table = ''] = (await readdir(folder)).filter((name) => name.endsWith('.ldb'));
    const bytes = await readFile(join(folder, table));
    await writeFile(join(folder, '099999.ldb'), bytes.subarray(0, bytes.length / 2));
    const again = await openDatabase(folder);
    expect(await again.get('key 7')).toHaveLength(50_000);
    await again.close();
    await writeFile(join(folder, table), bytes.subarray(0, bytes.length / 2));
    expect(await failureOf(folder)).toMatchObject({ code: 'RETO3_DATA_CORRUPT' });
  });

  it('fails if the path is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await failureOf(file)).toMatchObject({
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringContaining(`cannot make the data folder ${file}: EEXIST`),
      cause: { code: 'EEXIST' },
    });
    expect(await failureOf(join(file, 'data'))).toMatchObject({ code: 'RETO3_DATA_UNREADABLE' });
  });

  it('fails if a file in the folder cannot be opened', async () => {
    // A folder in place of the file: root has every permission.
    await mkdir(join(folder, 'LOCK'));
    expect(await failureOf(folder)).toMatchObject({
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringMatching(/^cannot open the data folder .*: .*Is a directory/),
      cause: { code: 'LEVEL_IO_ERROR' },
    });
  });

  it('fails if LevelDB finds damage', async () => {
    await (await openDatabase(folder)).close();
    await writeFile(join(folder, 'CURRENT'), 'no name of a manifest');
    expect(await failureOf(folder)).toMatchObject({
      code: 'RETO3_DATA_CORRUPT',
      message: expect.stringContaining('Corruption'),
      cause: { code: 'LEVEL_CORRUPTION' },
    });
  });

  it('reports damage if CURRENT names a manifest that does not exist', async () => {
    await (await openDatabase(folder)).close();
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-999999\n');
    expect(await failureOf(folder)).toMatchObject({
      code: 'RETO3_DATA_CORRUPT',
      message: expect.stringContaining('MANIFEST-999999'),
    });
  });
});

/** Starts a process, and resolves once it has the database open. */
async function processThatHolds(path: string): Promise<ChildProcess> {
  const program = `
    import { Level } from 'level';
    await new Level(process.argv[1]).open();
    console.log('open');
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, path], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the other process left with ${code}`);
  });
  await Promise.race([once(child.stdout, 'data'), gone]);
  gone.catch(() => {});
  return child;
}
