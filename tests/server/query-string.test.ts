/** The example of "Report a bug" in CONTRIBUTING.md: tests/project/docs.test.ts compares the two. */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';

test('a request with a query string is one message', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { status } = await fetch(`http://127.0.0.1:${server.port}/?a=b`);
  expect(status).toBe(200);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(1);
});
