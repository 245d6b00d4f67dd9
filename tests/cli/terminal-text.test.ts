/** Text from clients is escaped on a real terminal, and unchanged in pipes. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { exchange } from '../support/raw-http.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { Terminal } from '../support/terminal.ts';
import { waitUntil } from '../support/wait.ts';

const needsTmux = requires('tmux');
const size = { columns: 160, lines: 24 };
const clipboard = '\u001b]52;c;aGk=\u0007';

needsTmux('paths and bodies from clients cannot control a terminal', async () => {
  const flags = ['--archive', '--report', 'top'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const path = Buffer.from('GET /\u009b31mRED HTTP/1.1\r\nHost: x\r\n\r\n');
  await exchange(server.port, [path], 1);
  await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: clipboard });
  await waitUntil('both are archived', async () => {
    return (await askInfo(server.adminUrl)).archive?.archived === 2;
  });
  const url = ['--url', server.adminUrl];

  const top = ['report', 'top', 'min', '--open', '--last', '2', ...url];
  await Terminal.run(top, size).shows(/\/\\x9b31mRED/);
  expect((await runCli(top)).stdout).toContain('/\u009b31mRED');

  const bodies = ['query', 'SELECT text FROM messages WHERE body_bytes > 0', ...url];
  for (const format of ['table', 'csv', 'ndjson']) {
    const terminal = Terminal.run([...bodies, '--format', format], size);
    await terminal.shows(/\\(?:x1b|u001b)\]52;c;aGk=\\(?:x07|u0007)/i);
  }
  expect((await runCli([...bodies, '--format', 'csv'])).stdout).toBe(`text\n${clipboard}\n`);
});

needsTmux('a hostile server and file names cannot control a terminal', async () => {
  const message = `${clipboard}\u202e`;
  const impostor = createServer((_, response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code: 'RETO3_BAD_TIME', message, hint: '\u009b2J' }));
  });
  const url = ['--url', `http://127.0.0.1:${await listen(impostor)}`];
  for (const command of [['stats', 'ms10'], ['audit']]) {
    const shown = await Terminal.run([...command, ...url], size).shows(/left with/);
    expect(shown).toContain('reto3: \\x1b]52;c;aGk=\\x07\\u202e (\\x9b2J)');
    expect((await runCli([...command, ...url])).stderr).toContain(message);
  }
  const file = join('/nowhere', `${clipboard}.csv`);
  const shown = await Terminal.run(['restore', file, '--data-dir', '/dev/null/x'], size).shows(
    /left with/,
  );
  expect(shown).toContain('/dev/null/x');
});

needsTmux('help keeps its colours', async () => {
  const terminal = Terminal.run(['query', '--help'], { columns: 100, lines: 60 });
  await terminal.shows(/left with 0/);
  expect(terminal.text(true)).toContain('\u001b[1m');
  expect(terminal.text()).not.toContain('\\x1b');
});
