import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@reto3/engine';
import { expect, onTestFinished, test } from 'vitest';
import { resolveConfig } from './config/resolve-config.ts';
import { startServer } from './main.ts';

test('a stop whose last write fails closes everything else, and reports a loss only if there is one', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reto3-main-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const flags = { 'data-dir': dataDir, port: '0', 'admin-port': '0', 'flush-ms': '1000' };
  const lines: unknown[] = [];
  const line = (...said: unknown[]): void => void lines.push(said.at(-1));
  const log = { debug: line, info: line, warn: line, error: line, fatal: line };
  // Without ingest there are no workers, which would run the built code.
  const config = { ...resolveConfig(flags, {}), role: 'merge' } as const;
  const server = await startServer(config, { log, metrics: () => [] }, (error) => {
    throw error;
  });
  // Writing to /dev/full fails as on a full disk.
  symlinkSync('/dev/full', join(dataDir, 'ANCHOR.new'));

  await expect(server.stop()).rejects.toMatchObject({ code: 'RETO3_STORE_FAILING' });
  await expect(fetch(`${server.adminUrl}/healthz`)).rejects.toThrow();
  await (await openDatabase(dataDir, { create: false })).close();
  expect(lines.join('\n')).not.toMatch(/they are lost|everything is written/);
});
