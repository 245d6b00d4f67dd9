import { createServer } from 'node:http';
import { Writable } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { followReport } from './report.ts';

// The pause between two requests takes no time here.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));

it('a followed report names each damaged place once, and goes on', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => stderr.mockRestore());
  const places = [1, 2, 3, 4].map((n) => ({
    from: n * 1_000,
    to: n * 1_000 + 999,
    reason: 'gone',
  }));
  const end = `\x1e${JSON.stringify({ damaged: places, damagedPlaces: 210 })}\n`;
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.setHeader('content-type', 'text/csv').setHeader('reto3-to', '9000');
    if (asked < 3) response.end(`start,n\n${asked},1\n${end}`);
    else
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"code":"RETO3_UNAUTHORIZED","message":"m","hint":"h"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  const api = { url: `http://127.0.0.1:${address.port}`, tokenFile: undefined };
  let printed = '';
  const into = new Writable({
    write(piece, _, done) {
      printed += piece;
      done();
    },
  });
  const question = { name: 'sizes', period: 'sec', format: 'csv', module: undefined } as const;
  await expect(followReport(api, question, into)).rejects.toMatchObject({
    code: 'RETO3_UNAUTHORIZED',
  });
  expect(printed).toBe('start,n\n1,1\n2,1\n');
  const said = stderr.mock.calls.map(([text]) => String(text));
  expect(said).toHaveLength(4);
  expect(said[0]).toContain('cannot read report sizes from 1970-01-01 00:00:01.000');
  expect(said[3]).toBe('reto3: and 207 more damaged places\n');
});
