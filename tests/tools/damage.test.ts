/** Damage reaches whoever asks, also through a proxy that drops trailers, and ends no follow. */
import { createServer, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { alignDown } from '../../packages/server/src/period.ts';
import { timeText } from '../../packages/server/src/time-text.ts';
import { runCli, startCli } from '../support/cli.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines } from '../support/windows.ts';
import { flipRow, folderWithBlocks } from './support.ts';

const damageText = /cannot read ms10 from .*: its checksum does not match/;

/** Passes everything on but trailers, as HTTP/1.0 does and many proxies do. */
async function withoutTrailers(url: string): Promise<string> {
  const proxy = createServer((asked, response) => {
    const { trailer, te, ...headers } = asked.headers;
    const passed = request(new URL(asked.url ?? '/', url), { headers }, (answer) => {
      const { trailer: _, 'transfer-encoding': __, ...rest } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, rest);
      answer.pipe(response);
    });
    passed.once('error', () => response.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  return `http://127.0.0.1:${address.port}`;
}

test('damage in the past is said on every path', async () => {
  const startMs = alignDown(Date.now() - 7_200_000, 60_000);
  const dataDir = await folderWithBlocks(startMs);
  const from = await flipRow(dataDir, 'ms10', 1);
  const server = await Server.start({ dataDir });
  const listeningMs = Date.now();
  const url = await withoutTrailers(server.adminUrl);
  const past = ['--from', String(startMs), '--url', url];

  for (const format of ['text', 'csv', 'ndjson', 'json']) {
    const args = ['stats', 'ms10', '--to', String(startMs + 240_000), '--format', format, ...past];
    const { code, stdout, stderr } = await runCli(args);
    expect({ format, code }).toEqual({ format, code: 1 });
    expect(stderr).toMatch(damageText);
    expect(stdout).not.toContain('\x1e');
    if (format === 'json') expect(JSON.parse(stdout).damagedPlaces).toBe(1);
  }

  const chosen = [past, ['--last', '20000', '--url', url]];
  for (const flags of chosen) {
    const following = startCli(['stats', 'ms10', '--follow', ...flags]);
    try {
      // What is counted now comes behind the damage: it goes on.
      await waitUntil('windows of now', () => {
        const whole = following.stdout.slice(0, following.stdout.lastIndexOf('\n') + 1);
        const newest = Math.max(0, ...parseLines(whole).keys());
        return following.stderr !== '' && newest > listeningMs;
      });
      expect(following.stderr.match(new RegExp(damageText, 'g'))).toHaveLength(1);
      expect(following.stderr).toContain(timeText(from));
    } finally {
      following.signal('SIGINT');
    }
    expect((await following.exited).code).toBe(130);
  }
});
