/** Somebody moves or replaces a running server's data folder. */
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

async function readiness(server: Server): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.adminUrl}/readyz`);
  return { status: response.status, text: await response.text() };
}

test('a server whose data folder is moved waits for it, and creates no new one', async () => {
  const parent = await temporaryFolder();
  const dataDir = join(parent, 'data');
  const elsewhere = join(parent, 'elsewhere');
  const backup = join(parent, 'backup.reto3');
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  await send(server, 7);
  const reach = ['--url', server.adminUrl];
  const kept = await runCli(['backup', backup, ...reach]);
  expect(kept.code).toBe(0);
  const whole = await readFile(backup);

  await rename(dataDir, elsewhere);
  await waitUntil('the server notices', async () => (await readiness(server)).status === 503);
  await send(server, 6);
  await waitUntil('it says what is wrong', async () =>
    (await readiness(server)).text.includes('it is gone'),
  );
  expect(existsSync(dataDir)).toBe(false);
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(13);
  expect((await runCli(['stats', 'sec', '--open', ...reach])).code).toBe(1);
  expect((await runCli(['backup', backup, ...reach])).code).toBe(1);
  expect(await readFile(backup)).toEqual(whole);

  await rename(elsewhere, dataDir);
  await waitUntil('all goes on', async () => (await readiness(server)).status === 200);
  expect((await server.stop()).code).toBe(0);
  const again = await Server.start({ dataDir });
  expect((await askInfo(again.adminUrl)).messagesInAll).toBe(13);
});

test("a server never continues in another server's folder", async () => {
  const parent = await temporaryFolder();
  const dataDir = join(parent, 'data');
  const other = join(parent, 'other');
  const stranger = await Server.start({ dataDir: other });
  await send(stranger, 5);
  expect((await stranger.stop()).code).toBe(0);
  const server = await Server.start({ dataDir });
  await send(server, 7);

  await rename(dataDir, join(parent, 'elsewhere'));
  await rename(other, dataDir);
  await waitUntil('the server refuses it', async () =>
    (await readiness(server)).text.includes('another folder lies there'),
  );
  await send(server, 6);
  await rename(dataDir, other);
  await rename(join(parent, 'elsewhere'), dataDir);
  await waitUntil('all goes on', async () => (await readiness(server)).status === 200);
  expect((await server.stop()).code).toBe(0);

  for (const [folder, messages] of [
    [dataDir, 13],
    [other, 5],
  ] as const) {
    const again = await Server.start({ dataDir: folder });
    expect((await askInfo(again.adminUrl)).messagesInAll).toBe(messages);
    await again.stop();
  }
  await rm(parent, { recursive: true });
});
