import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveConfig } from './resolve-config.ts';
import { warnOfReadableSecrets } from './secret-files.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-secrets-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function warningsAbout(mode: number): Promise<unknown[][]> {
  const file = join(folder, 'secret');
  await writeFile(file, 'a secret that nobody guesses');
  await chmod(file, mode);
  const warnings: unknown[][] = [];
  const flags = { 'admin-token-file': file, 'nats-token-file': join(folder, 'missing') };
  const warn = (...said: unknown[]): void => void warnings.push(said);
  await warnOfReadableSecrets(resolveConfig(flags, {}), { warn });
  return warnings;
}

it.each([0o644, 0o604, 0o444])('warns of a secret that every user can read', async (mode) => {
  const [[fields, text] = [], ...others] = await warningsAbout(mode);
  expect(fields).toMatchObject({ permissions: `0${mode.toString(8)}` });
  expect(text).toContain('--admin-token-file');
  expect(text).not.toContain('nobody guesses');
  expect(others).toEqual([]);
});

it.each([0o600, 0o400, 0o640])(
  'does not warn of a secret that only its owner or group can read',
  async (mode) => expect(await warningsAbout(mode)).toEqual([]),
);
