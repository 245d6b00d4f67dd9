import { Readable } from 'node:stream';
import { Reto3Error } from '@reto3/core';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { logCutAnswers } from './cut-answers.ts';

let logged: unknown[][];
let app: FastifyInstance;
let url: string;
let failure: Error;
/** The answers under way. */
let answers: Readable[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  logged = [];
  answers = [];
  failure = new Error('LevelDB says: EIO');
  app = fastify({ forceCloseConnections: true });
  app.setErrorHandler((_, __, reply) => reply.code(500).send('failed'));
  logCutAnswers(app, { error: (...said: unknown[]) => void logged.push(said) });
  await app.register(async (inner) => {
    inner.get('/v1/rows/:period', async (_, reply) => {
      const body = new Readable({ read() {} });
      answers.push(body);
      return reply.send(body);
    });
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

/** Gets the beginning of an answer. */
async function begin(signal?: AbortSignal) {
  const before = answers.length;
  const asking = fetch(`${url}/v1/rows/sec?from=0`, signal && { signal });
  await vi.waitUntil(() => answers.length > before);
  const body = answers[before];
  if (body === undefined) throw new Error('BUG: no answer');
  body.push('a part');
  return { body, response: await asking };
}

async function cutOne(error: Error): Promise<void> {
  const { body, response } = await begin();
  body.destroy(error);
  await expect(response.text()).rejects.toThrow();
}

it('logs the first answer of a route that fails midway, and the others once a minute', async () => {
  await cutOne(failure);
  const line = [
    { err: failure, url: '/v1/rows/sec?from=0' },
    'cannot complete an answer of /v1/rows/:period: LevelDB says: EIO',
  ];
  expect(logged).toEqual([line]);
  for (let time = 0; time < 2; time++) await cutOne(failure);
  expect(logged).toEqual([line]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(logged[1]).toEqual([
    { route: '/v1/rows/:period', answers: 2 },
    'could not complete 2 more answers of /v1/rows/:period',
  ]);
  await cutOne(failure);
  expect(logged).toHaveLength(3);
});

it('logs neither a client that leaves nor one that is cut off at a limit', async () => {
  const leaving = new AbortController();
  const { body, response } = await begin(leaving.signal);
  const closed = new Promise((resolve) => body.once('close', resolve));
  leaving.abort();
  await expect(response.text()).rejects.toThrow();
  await closed;
  await cutOne(new Reto3Error('RETO3_BUSY', 'the answer took too long'));
  expect(logged).toEqual([]);
});

it('leaves a failure before the first byte to the error handler', async () => {
  const asking = fetch(`${url}/v1/rows/sec`);
  await vi.waitUntil(() => answers.length === 1);
  answers[0]?.destroy(failure);
  expect((await asking).status).toBe(500);
  expect(logged).toEqual([]);
});
