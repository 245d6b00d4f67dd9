import { createServer, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { request } from './api-client.ts';
import { AnswerBody } from './end-of-answer.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

async function bodyOf(answer: (response: ServerResponse) => void): Promise<AnswerBody> {
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/csv');
    answer(response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  const api = { url: `http://127.0.0.1:${address.port}`, tokenFile: undefined };
  return new AnswerBody(await request(api, '/v1/stats/sec', {}), api);
}

const damaged = [{ from: 0, to: 60_000, reason: 'gone' }];
const end = `\x1e${JSON.stringify({ damaged, damagedPlaces: 210 })}\n`;

it('removes the end record wherever the body is split, and knows the omitted windows', async () => {
  const text = `a,1\nb\x1e{,2\n${end}`;
  for (let at = 0; at <= text.length; at += 7) {
    const body = await bodyOf((response) => {
      response.write(text.slice(0, at), () => response.end(text.slice(at)));
    });
    expect(await body.text()).toBe('a,1\nb\x1e{,2\n');
    expect(body.missing).toEqual({ damaged, damagedPlaces: 210 });
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }
});

it('passes on a cell that looks like an end record, even a very long one', async () => {
  const cells = `\x1e${'x'.repeat(300_000)}\n\x1e{"damaged":[]}\nlast\n`;
  const body = await bodyOf((response) => response.end(cells + end));
  expect(await body.text()).toBe(cells);
});

it('accepts the trailer of a server that sends no end record', async () => {
  const body = await bodyOf((response) => {
    response.writeHead(200, { trailer: 'reto3-damaged' });
    response.write('a,1\n\x1e');
    response.addTrailers({ 'reto3-damaged': JSON.stringify(damaged) });
    response.end();
  });
  expect(await body.text()).toBe('a,1\n\x1e');
  expect(body.missing).toEqual({ damaged });
});

it.each([
  ['neither end nor trailer', 'a,1\n'],
  ['half an end', `a,1\n${end.slice(0, -2)}`],
  ['nothing', ''],
])('takes an answer with %s for cut off', async (_, text) => {
  const body = await bodyOf((response) => response.end(text));
  await expect(buffer(body)).rejects.toMatchObject({ code: 'RETO3_ANSWER_CUT' });
});

it('fails if the connection is cut', async () => {
  const body = await bodyOf((response) => {
    response.write('a,1\n', () => response.socket?.destroy());
  });
  await expect(body.text()).rejects.toMatchObject({ code: 'RETO3_ANSWER_CUT' });
});
