import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import type { Missing } from './end-of-answer.ts';
import { readRows } from './rows.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

async function serve(pieces: readonly string[]): Promise<{ url: string; tokenFile: undefined }> {
  server = createServer((request, response) => {
    expect(request.url).toBe('/v1/stats/sec?from=0&format=ndjson');
    response.setHeader('content-type', 'application/x-ndjson');
    const [first, ...others] = pieces;
    response.write(first, () => response.end(others.join('')));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  return { url: `http://127.0.0.1:${address.port}`, tokenFile: undefined };
}

const text = '{"start":0,"count":1}\n{"start":1000,"count":2}\n';
const missing = { damaged: [{ from: 0, to: 60_000, reason: 'gone' }], damagedPlaces: 1 };
const end = `\x1e${JSON.stringify(missing)}\n`;

it('yields the rows wherever the answer is split, then the omitted windows', async () => {
  for (let at = 1; at < text.length; at += 7) {
    const api = await serve([text.slice(0, at), text.slice(at) + end]);
    let heard: Missing | undefined;
    const rows = readRows(api, '/v1/stats/sec', { from: '0' }, (each) => {
      heard = each;
    });
    const read: object[] = [];
    for await (const row of rows) read.push(row);
    expect(read).toEqual([
      { start: 0, count: 1 },
      { start: 1000, count: 2 },
    ]);
    expect(heard).toEqual(missing);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }
});

it.each([
  ['without an end', [text]],
  ['in the middle of a row', [text.slice(0, -5)]],
])('an answer %s is an error after its whole rows', async (_, pieces) => {
  const api = await serve(pieces);
  let ended = false;
  const rows = readRows(api, '/v1/stats/sec', { from: '0' }, () => {
    ended = true;
  });
  await expect(
    (async () => {
      for await (const { start } of rows) expect(start).toEqual(expect.any(Number));
    })(),
  ).rejects.toMatchObject({ code: 'RETO3_ANSWER_CUT' });
  expect(ended).toBe(false);
});
