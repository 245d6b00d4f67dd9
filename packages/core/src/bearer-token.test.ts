import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readToken } from './bearer-token.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-token-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function fileWith(text: string): Promise<string> {
  const file = join(folder, 'token');
  await writeFile(file, text);
  return file;
}

it.each(['secret', 'secret\n', '\r\n secret \r\n', '\ufeffsecret\n'])(
  'reads %j, without what stands around it',
  async (text) => expect(await readToken('token-file', await fileWith(text))).toBe('secret'),
);

it('takes a token with spaces in it', async () =>
  expect(await readToken('token-file', await fileWith('open sesame\n'))).toBe('open sesame'));

it.each(['', '\n', ' \t\n'])('refuses the empty token %j', async (text) => {
  const file = await fileWith(text);
  await expect(readToken('admin-token-file', file)).rejects.toMatchObject({
    code: 'RETO3_BAD_SETTING',
    message: `got an empty --admin-token-file "${file}", want a token in it`,
  });
});

it.each(['secret\nsecond', 'sec\0ret', 'sec\tret', 'sécret', 'sec✓ret', '\x7fsecret'])(
  'refuses %j, which no header can carry, and does not say it',
  async (text) => {
    const file = await fileWith(text);
    await expect(readToken('admin-token-file', file, 'do better')).rejects.toMatchObject({
      code: 'RETO3_BAD_SETTING',
      message: `cannot use --admin-token-file "${file}": want one line of printable ASCII`,
      hint: 'do better',
    });
  },
);

it('refuses a token that is too short, without quoting it', async () => {
  const file = await fileWith('fifteen letters\n');
  const reading = readToken('admin-token-file', file, undefined, 16);
  await expect(reading).rejects.toMatchObject({
    code: 'RETO3_BAD_SETTING',
    message: `got a token of 15 characters in --admin-token-file "${file}", want at least 16`,
  });
  await expect(readToken('admin-token-file', file, undefined, 15)).resolves.toHaveLength(15);
});

it('names a file that cannot be read, with the cause', async () => {
  const file = join(folder, 'missing');
  await expect(readToken('token-file', file)).rejects.toMatchObject({
    code: 'RETO3_BAD_SETTING',
    message: expect.stringContaining(`cannot read --token-file "${file}": ENOENT`),
    cause: { code: 'ENOENT' },
  });
});
