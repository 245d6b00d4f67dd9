import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { examine } from './index.ts';

vi.mock('../query/data-folder.ts', () => {
  throw new Error('the reader of data folders is loaded');
});

test('checking a folder without counts does not load the reader of data folders', async () => {
  const dataDir = join(tmpdir(), 'reto3-none');
  let last: unknown;
  for await (const finding of examine({ dataDir, port: 0, adminPort: 0, loadUws: undefined }))
    last = finding;
  expect(last).toEqual({ check: 'data', state: 'ok', says: `${dataDir} holds no counts yet` });
});
