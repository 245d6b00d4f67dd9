/** `reto3 audit` checks the counts and names the places that are wrong. */
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks, messages, serverWithMessages } from '../support/data-folder.ts';

test('an audit of a running server and of its folder succeeds', async () => {
  const { server, dataDir } = await serverWithMessages();
  const asked = await runCli(['audit', '--url', server.adminUrl]);
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  expect(asked.stdout).toMatch(/^blocks {3}ok {3}\d+ blocks? read/m);
  expect(asked.stdout).toMatch(
    /^periods {2}ok {3}\d+ minutes? compared: ms10, sec and min add up to the same$/m,
  );
  expect(asked.stdout).toContain(
    `0 found at the start + ${messages} since = ${messages}; the store and memory hold ${messages}`,
  );
  const reversed = await runCli(['audit', '--from', '1h', '--to', '2h', '--url', server.adminUrl]);
  expect(reversed).toMatchObject({ code: 2, stdout: '' });
  expect(reversed.stderr).toContain('got from "1h" and to "2h", want from before to (swap them');
  await server.stop();
  const offline = await runCli(['audit', '--json', '--data-dir', dataDir]);
  expect(offline).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(offline.stdout)).toMatchObject({
    ok: true,
    messages: { ms10: messages, sec: messages, min: messages },
    places: [],
  });
});

test('a failed audit exits with 5 and names the place', async () => {
  const dataDir = await folderWithBlocks(Date.UTC(2016, 4, 28, 11, 11));
  const damaged = await flipRow(dataDir, 'ms10');
  const { code, stdout, stderr } = await runCli(['audit', '--data-dir', dataDir]);
  expect(code).toBe(5);
  expect(stdout).toMatch(/^blocks {3}fail/m);
  expect(stdout).toContain(`ms10 from ${new Date(damaged).toISOString().replace(/T(.*)Z/, ' $1')}`);
  expect(stdout).toContain('its checksum does not match');
  expect(stderr).toMatch(/^reto3: not every count can be trusted \(.*\) \[RETO3_CHECK_FAILED\]\n$/);

  const bad = await runCli(['audit', '--from', 'yesterday', '--data-dir', dataDir]);
  expect(bad).toMatchObject({ code: 2, stdout: '' });
});
