import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorHints } from '@reto3/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { request } from './api-client.ts';

const running: Server[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await stop(server);
});

/** A server for one test; resolves with its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer((asked, response) => {
    response.setHeader('content-type', 'application/json');
    listener(asked, response);
  });
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  return `http://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function errorOf(url: string, tokenFile?: string): Promise<unknown> {
  return request({ url, tokenFile }, '/v1/info', {}).then(
    () => Promise.reject(new Error('it was answered')),
    (error: unknown) => error,
  );
}

function answering(status: number, body: string): Promise<string> {
  return serve((_, response) => response.writeHead(status).end(body));
}

describe('a request', () => {
  it('sends the path and the defined parameters, and returns the body', async () => {
    const url = await serve((asked, response) => response.end(asked.url));
    const query = { last: '5', from: undefined, to: '2016-05-28T11:11:11+02:00' };
    const response = await request({ url, tokenFile: undefined }, '/v1/stats/sec', query);
    expect(response.statusCode).toBe(200);
    expect((await response.setEncoding('utf8').toArray()).join('')).toBe(
      '/v1/stats/sec?last=5&to=2016-05-28T11%3A11%3A11%2B02%3A00',
    );
  });

  it.each(['/b', '/b/', '/a/b//'])(
    'keeps the path of an address that ends with %s',
    async (path) => {
      const url = await serve((asked, response) => response.end(asked.url));
      const response = await request({ url: url + path, tokenFile: undefined }, '/v1/info', {});
      const asked = (await response.setEncoding('utf8').toArray()).join('');
      expect(asked).toBe(`${path.replace(/\/+$/, '')}/v1/info`);
    },
  );

  it('sends the given headers, and no token unless there is one', async () => {
    const url = await serve((asked, response) => response.end(JSON.stringify(asked.headers)));
    const headers = { 'last-event-id': '7' };
    const response = await request({ url, tokenFile: undefined }, '/', {}, headers);
    const sent = JSON.parse((await response.setEncoding('utf8').toArray()).join(''));
    expect(sent).toMatchObject(headers);
    expect(sent).not.toHaveProperty('authorization');
  });

  it('sends the token from the file, without its newline', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-token-'));
    try {
      const tokenFile = join(folder, 'token');
      await writeFile(tokenFile, 'secret\n');
      const url = await serve((asked, response) => response.end(asked.headers.authorization));
      const response = await request({ url, tokenFile }, '/', {});
      expect((await response.setEncoding('utf8').toArray()).join('')).toBe('Bearer secret');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a request fails', () => {
  it('with the code, message and hint that the server answers', async () => {
    const body = { code: 'RETO3_BAD_TIME', message: 'got from "x", want …', hint: 'do better' };
    const url = await answering(400, JSON.stringify(body));
    expect(await errorOf(url)).toMatchObject({ name: 'Reto3Error', ...body });
  });

  it.each(Object.keys(errorHints))('with every error code: %s', async (code) => {
    const url = await answering(418, JSON.stringify({ code, message: 'm', hint: 'h' }));
    const isToken = code === 'RETO3_UNAUTHORIZED';
    const hint = isToken ? 'give the file with its token with --token-file' : 'h';
    expect(await errorOf(url)).toMatchObject({ code, message: 'm', hint });
  });

  it.each([
    ['another program', 404, '<h1>Not Found</h1>'],
    ['nothing at all', 502, ''],
    ['JSON of another kind', 400, '{"error":"no"}'],
    ['no object', 400, 'null'],
    ['a code that does not exist', 400, '{"code":"RETO3_NONE","message":"m","hint":"h"}'],
    ['the name of a method', 400, '{"code":"toString","message":"m","hint":"h"}'],
    ['a redirect', 302, ''],
  ])('where %s answers, which is no query API of ours', async (_, status, body) => {
    const url = await answering(status, body);
    expect(await errorOf(url)).toMatchObject({
      code: 'RETO3_SERVER_NOT_REACHABLE',
      message: `no reto3 query API at ${url}: got status ${status} from something else`,
    });
  });

  it.each([
    ['the ingest port', { uWebSockets: '20' }, /the ingest port/],
    ['a page', { 'content-type': 'text/html; charset=utf-8' }, /reto3 serve/],
  ])('where %s answers 200 to everything', async (_, headers, hint) => {
    const url = await serve((_asked, response) => {
      response.removeHeader('content-type');
      response.writeHead(200, headers).end();
    });
    expect(await errorOf(url)).toMatchObject({
      code: 'RETO3_SERVER_NOT_REACHABLE',
      message: `no reto3 query API at ${url}: got status 200 from something else`,
      hint: expect.stringMatching(hint),
    });
  });

  it.each([
    ['127.0.0.1', /^cannot reach the server at http:.*: connect ECONNREFUSED/],
    // Node.js tries both addresses of the name; the error that combines the two has no message.
    ['localhost', /^cannot reach the server at http:.*: .*ECONNREFUSED/],
  ])('where nobody listens on %s', async (host, message) => {
    const { port } = new URL(await serve(() => {}));
    for (const server of running.splice(0)) await stop(server);
    expect(await errorOf(`http://${host}:${port}`)).toMatchObject({
      code: 'RETO3_SERVER_NOT_REACHABLE',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('reto3 serve'),
    });
  });

  it('if the connection is cut before the answer', async () => {
    const url = await serve((asked) => asked.socket.destroy());
    expect(await errorOf(url)).toMatchObject({ code: 'RETO3_SERVER_NOT_REACHABLE' });
  });

  it('if the connection is cut within the answer', async () => {
    const url = await serve((asked, response) => {
      response.writeHead(400).write('{"code":', () => asked.socket.destroy());
    });
    expect(await errorOf(url)).toMatchObject({
      code: 'RETO3_ANSWER_CUT',
      message: `the server at ${url} broke off its answer: aborted`,
    });
  });

  it.each(['', 'localhost:8081', '127.0.0.1', 'ftp://127.0.0.1:8081', 'http://'])(
    'where the address is "%s"',
    async (url) =>
      expect(await errorOf(url)).toMatchObject({
        code: 'RETO3_BAD_SETTING',
        message: `got --url "${url}", want something like http://127.0.0.1:8081`,
      }),
  );

  it.each([
    ['http://u:secret@h', 'got --url with a user name or password for h, want none'],
    ['http://h/b?x=1', 'got --url "http://h/b?x=1", want it without a query'],
    ['https://h#x', 'got --url "https://h#x", want it without a fragment'],
  ])('where the address is "%s", which has too much', async (url, message) =>
    expect(await errorOf(url)).toMatchObject({ code: 'RETO3_BAD_SETTING', message }),
  );

  it('if the CA file cannot be read', async () => {
    const ca = join(tmpdir(), 'reto3-there-is-no-such-file');
    const api = { url: 'https://127.0.0.1:1', tokenFile: undefined, ca };
    await expect(request(api, '/v1/info', {})).rejects.toMatchObject({
      code: 'RETO3_BAD_SETTING',
      message: expect.stringContaining(`cannot read --ca "${ca}": ENOENT`),
    });
  });

  it('if the server accepts the request and stays silent', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const url = await serve(() => {});
      const failed = errorOf(url);
      const settled = failed.then(() => true);
      while (!(await Promise.race([settled, nextTurn(false)]))) {
        await vi.advanceTimersByTimeAsync(1_000);
      }
      expect(await failed).toMatchObject({
        code: 'RETO3_SERVER_NOT_REACHABLE',
        message: expect.stringMatching(/: nothing came for \d+ s$/),
        hint: 'it accepts connections but does not answer: it may be paused or overloaded',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('if a health check gets no answer within 10 s, although the server is alive', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const url = await serve((asked, response) => {
        if (asked.url === '/healthz') response.end('{}');
      });
      const failed = request({ url, tokenFile: undefined }, '/readyz', {}).catch(
        (error: unknown) => error,
      );
      const settled = failed.then(() => true);
      for (let seconds = 0; !(await Promise.race([settled, nextTurn(false)])); seconds++) {
        // An ordinary answer may take half an hour.
        expect(seconds).toBeLessThan(1_000);
        await vi.advanceTimersByTimeAsync(1_000);
      }
      const message = expect.stringMatching(/: nothing came for 10 s$/);
      expect(await failed).toMatchObject({ code: 'RETO3_SERVER_NOT_REACHABLE', message });
    } finally {
      vi.useRealTimers();
    }
  });

  it('if the token file cannot be read', async () => {
    const file = join(tmpdir(), 'reto3-there-is-no-such-file');
    expect(await errorOf('http://127.0.0.1:1', file)).toMatchObject({
      code: 'RETO3_BAD_SETTING',
      message: expect.stringContaining(`cannot read --token-file "${file}": ENOENT`),
    });
  });
});
