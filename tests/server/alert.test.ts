/** `reto3 serve --alert` with a real webhook. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, onTestFinished, test } from 'vitest';
import { askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { webhook } from '../support/webhook.ts';
import { countsOf, sumOf } from '../support/windows.ts';

const rule = 'ms10 >= 20 for 20ms until < 1 for 200ms';
const requests = 20_000;

async function burst(server: Server): Promise<void> {
  const load = Load.start({ port: server.port, connections: 4, depth: 8, requests });
  await load.done;
  expect(load.answered).toBe(requests);
}

test('a burst fires and resolves with exact figures, even if the webhook was down', async () => {
  const dataDir = await temporaryFolder();
  const port = await freePort();
  const files = await temporaryFolder();
  const [urlFile, tokenFile] = [join(files, 'url'), join(files, 'token')];
  await writeFile(urlFile, `http://127.0.0.1:${port}/a-secret-path\n`);
  await writeFile(tokenFile, 'a-secret-token\n');
  const flags = ['--alert', rule, '--alert', 'min > 1000000000'];
  flags.push('--alert-url-file', urlFile, '--alert-token-file', tokenFile);
  const server = await Server.start({ dataDir, flags });
  await burst(server);
  await waitUntil('an attempt fails', () => server.stderr.includes('cannot deliver an alert'));
  const received = await webhook(port);
  await waitUntil('the end arrives', () =>
    received.some(({ message }) => message.status === 'resolved'),
  );

  const first = received[0]?.message;
  const last = received.find(({ message }) => message.status === 'resolved')?.message;
  if (first === undefined || last === undefined) throw new Error('got no messages');
  expect(first).toMatchObject({ version: 1, status: 'firing', alert: rule, period: 'ms10' });
  expect(last).toMatchObject({ id: first.id, from: first.from });
  const range = `from=${last.from}&to=${last.to}`;
  const counts = countsOf(await askStats(server.adminUrl, 'ms10', range));
  expect(last.windows).toBe(counts.size);
  // A message may arrive after its window was evaluated; the server counts these.
  const late = (await scrape(server.adminUrl)).value('reto3_late_messages_total');
  const unseen = sumOf(counts) - last.messages;
  expect(unseen).toBeGreaterThanOrEqual(0);
  expect(unseen).toBeLessThanOrEqual(late);
  if (late === 0) expect(last.worst.count).toBe(Math.max(...counts.values()));
  for (const { authorization } of received) expect(authorization).toBe('Bearer a-secret-token');

  const metrics = await scrape(server.adminUrl);
  expect(metrics.value(`reto3_alert_firing{alert="${rule}"}`)).toBe(0);
  expect(metrics.value('reto3_alert_messages_total{outcome="lost"}')).toBe(0);
  expect(metrics.sum('reto3_messages_total')).toBe(requests);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.loggedMessages).toBe(requests);
  expect(server.stderr).toContain(`alert firing: ${rule}`);
  expect(server.stderr).not.toMatch(/a-secret/);
});

test('a webhook that hangs delays neither counting nor a stop', async () => {
  const port = await freePort();
  const hanging = createServer(() => undefined);
  await once(hanging.listen(port, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    hanging.closeAllConnections();
    hanging.close();
  });
  const flags = ['--alert', rule, '--alert-url', `http://127.0.0.1:${port}/`];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  await burst(server);
  await waitUntil('it fires', () => server.stderr.includes('alert firing'));
  await burst(server);
  const failures = (): number => server.stderr.split('cannot deliver an alert').length;
  const before = failures();
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  // The stop did not wait until the attempt timed out.
  expect(failures()).toBe(before);
  expect(server.loggedMessages).toBe(2 * requests);
});

test('invalid settings are refused before anything starts', async () => {
  const dataDir = await temporaryFolder();
  const serve = (...flags: string[]) =>
    runCli(['serve', '--port', '0', '--admin-port', '0', '--data-dir', dataDir, ...flags]);
  const url = ['--alert-url', 'http://127.0.0.1:9'];
  const cases = [
    {
      flags: ['--alert', 'ms10 > lots', ...url],
      says: 'got --alert "ms10 > lots", want something',
    },
    { flags: ['--alert', rule], says: `got --alert "${rule}" alone, want --alert-url with it` },
    { flags: url, says: 'got --alert-url alone, want --alert with it' },
    {
      flags: ['--alert', 'cluster sec > 1', ...url],
      says: 'got --alert "cluster sec > 1", want --nats and --role both or merge with it',
    },
    {
      flags: ['--alert', 'cluster sec > 1', ...url, '--role', 'ingest', '--nats', '127.0.0.1:9'],
      says: 'got --alert "cluster sec > 1", want --nats and --role both or merge with it',
    },
    {
      flags: ['--alert', rule, '--alert-url-file', join(dataDir, 'none')],
      says: 'cannot read --alert-url-file',
    },
  ];
  for (const { flags, says } of cases) {
    const { code, stderr } = await serve(...flags);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) });
  }
});
