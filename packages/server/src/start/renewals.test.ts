import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { resolveConfig } from '../config/resolve-config.ts';
import { readInputs } from './inputs.ts';
import { watchRenewals } from './renewals.ts';
import type { Start } from './start.ts';

let folder: string;
let renewals: Start['renewals'];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'reto3-renewals-'));
  renewals = [];
});
afterEach(() => {
  for (const watch of renewals) watch.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

it('a token that is replaced during the start is renewed once the server listens', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, 'the first of two tokens');
  const config = resolveConfig({ 'admin-token-file': file }, {});
  const { renewables } = await readInputs(config);
  // What takes time in a start is here.
  writeFileSync(file, 'the second of the tokens');
  const info = vi.fn();
  const renewToken = vi.fn(async () => undefined);
  const ignore = (): void => undefined;
  const log = { debug: ignore, info, warn: ignore, error: ignore, fatal: ignore };
  const api = { renewTls: ignore, renewToken };
  const workers = { renewTls: async () => undefined };
  watchRenewals({ config, log, renewals }, { renewables, api, workers });
  await vi.waitUntil(() => {
    vi.advanceTimersByTime(2_000);
    return info.mock.calls.length > 0;
  });
  expect(renewToken).toHaveBeenCalledOnce();
  expect(info).toHaveBeenCalledWith({ files: [file] }, 'the token of the query API was renewed');
});
