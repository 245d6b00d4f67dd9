import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { dashboardRoutes } from './dashboard.ts';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };

test('serves the page of its own version, even after an upgrade has replaced the files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<script src="./assets/index-a.js"></script>');
  await writeFile(join(folder, 'assets', 'index-a.js'), 'first()');
  const app = fastify();
  await app.register(dashboardRoutes, { log, folder });
  await rm(folder, { recursive: true });

  const page = await app.inject('/');
  expect([page.statusCode, page.headers['content-type']]).toEqual([
    200,
    'text/html; charset=utf-8',
  ]);
  expect(page.body).toContain('index-a.js');
  const script = await app.inject('/assets/index-a.js');
  expect([script.statusCode, script.body]).toEqual([200, 'first()']);
  expect(script.headers['cache-control']).toContain('immutable');
  expect((await app.inject('/index.html')).statusCode).toBe(404);
});
