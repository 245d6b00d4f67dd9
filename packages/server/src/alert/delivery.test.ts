import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { Delivery, type DeliveryTimes, maxAttempts, maxWaiting } from './delivery.ts';

/** Short pauses, so that tests do not wait. */
const times: DeliveryTimes = {
  attemptMs: 20_000,
  firstPauseMs: 1,
  longestPauseMs: 20,
  graceMs: 50,
};
/** Far longer than anything here takes. */
const patience = { timeout: 30_000, interval: 5 };

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const accept: Answer = (response) => void response.writeHead(204).end();
const refuse: Answer = (response) => void response.writeHead(500).end('out of order');
const hang: Answer = () => undefined;

/** Ends the hanging attempt, as its timeout would; other attempts have no timeout. */
function withoutTime(): Answer {
  const attempts: AbortController[] = [];
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const attempt = new AbortController();
    attempts.push(attempt);
    return attempt.signal;
  });
  return () => attempts.at(-1)?.abort();
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) await close();
});

/** Answers the n-th request with the n-th entry, and all later ones with the last. */
async function receiver(answers: readonly Answer[], port = 0) {
  const received: { body: { n: number; attempt: number }; headers: IncomingMessage['headers'] }[] =
    [];
  const server = createServer(async (request, response) => {
    const answer = answers[Math.min(received.length, answers.length - 1)] ?? accept;
    received.push({ body: JSON.parse(await text(request)), headers: request.headers });
    answer(response, request);
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  closing.push(close);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no TCP address');
  const taken = address.port;
  return { received, port: taken, url: `http://127.0.0.1:${taken}/hook?secret=1`, close };
}

function deliveryTo(url: string, token?: string) {
  const said: string[] = [];
  const delivery = new Delivery(
    { url, token },
    {
      failed: (reason, attempt, last) => said.push(`${attempt}${last ? ' last' : ''}: ${reason}`),
      dropped: () => said.push('dropped'),
    },
    times,
  );
  closing.push(() => delivery.stop());
  return { delivery, said };
}

async function settled(delivery: Delivery): Promise<void> {
  await expect.poll(() => delivery.totals.waiting, patience).toBe(0);
}

test('messages arrive in order, as JSON, with the token', async () => {
  const { received, url } = await receiver([accept]);
  const { delivery, said } = deliveryTo(url, 'the token');
  for (let n = 0; n < 5; n++) delivery.send({ n });
  await settled(delivery);
  expect(received.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n, attempt: 1 })));
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    authorization: 'Bearer the token',
  });
  expect(said).toEqual([]);
  expect(delivery.totals).toEqual({ delivered: 5, lost: 0, waiting: 0 });
});

test('retries a receiver that refuses, and one that hangs', async () => {
  const { received, url } = await receiver([refuse, withoutTime(), accept]);
  const { delivery, said } = deliveryTo(url);
  delivery.send({ n: 1 });
  delivery.send({ n: 2 });
  await settled(delivery);
  expect(received.map(({ body }) => [body.n, body.attempt])).toEqual([
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 1],
  ]);
  expect(said).toEqual(['1: got status 500', `2: got no answer within ${times.attemptMs} ms`]);
  expect(delivery.totals).toEqual({ delivered: 2, lost: 0, waiting: 0 });
});

test('a receiver that restarts gets everything, in order', async () => {
  const first = await receiver([accept]);
  const { delivery, said } = deliveryTo(first.url);
  delivery.send({ n: 1 });
  await settled(delivery);
  await first.close();
  delivery.send({ n: 2 });
  delivery.send({ n: 3 });
  await expect.poll(() => said.length, patience).toBeGreaterThan(1);
  const second = await receiver([accept], first.port);
  await settled(delivery);
  expect(second.received.map(({ body }) => body.n)).toEqual([2, 3]);
  expect(said[0]).toMatch(/ECONNREFUSED|ECONNRESET|other side closed/);
});

test('attempts per message are limited', async () => {
  const { received, url } = await receiver([refuse]);
  const { delivery, said } = deliveryTo(url);
  delivery.send({ n: 1 });
  await settled(delivery);
  expect(received).toHaveLength(maxAttempts);
  expect(said.at(-1)).toBe(`${maxAttempts} last: got status 500`);
  expect(delivery.totals).toEqual({ delivered: 0, lost: 1, waiting: 0 });
});

test('the queue is bounded and drops the oldest message', async () => {
  const held: ServerResponse[] = [];
  const { received, url } = await receiver([(response) => void held.push(response), accept]);
  const { delivery, said } = deliveryTo(url);
  for (let n = 0; n < maxWaiting + 7; n++) delivery.send({ n });
  expect(delivery.totals).toEqual({ delivered: 0, lost: 7, waiting: maxWaiting });
  expect(said).toEqual(new Array(7).fill('dropped'));
  await expect.poll(() => held.length, patience).toBe(1);
  held[0]?.end();
  await settled(delivery);
  // The first one was being delivered.
  const kept = [0, ...Array.from({ length: maxWaiting - 1 }, (_, index) => index + 8)];
  expect(received.map(({ body }) => body.n)).toEqual(kept);
});

test('a redirect is not followed, and gets no token', async () => {
  const other = await receiver([accept]);
  const { url, received } = await receiver([
    (response) => void response.writeHead(302, { location: other.url }).end(),
  ]);
  const { delivery, said } = deliveryTo(url, 'the token');
  delivery.send({ n: 1 });
  await settled(delivery);
  expect(received).toHaveLength(maxAttempts);
  expect(other.received).toEqual([]);
  expect(said[0]).toBe('1: got status 302');
});

test('a stop does not wait for a receiver that hangs', async () => {
  const { url, received } = await receiver([hang]);
  const { delivery } = deliveryTo(url);
  delivery.send({ n: 1 });
  delivery.send({ n: 2 });
  await expect.poll(() => received.length, patience).toBe(1);
  const began = performance.now();
  await delivery.stop();
  expect(performance.now() - began).toBeLessThan(times.attemptMs);
  delivery.send({ n: 3 });
  expect(delivery.totals.delivered).toBe(0);
});

test('no reason of a failure has the path of the URL or the token', async () => {
  const { url, close } = await receiver([refuse, withoutTime()]);
  const { delivery, said } = deliveryTo(url, 'the token');
  delivery.send({ n: 1 });
  await expect.poll(() => said.length, patience).toBeGreaterThan(1);
  await close();
  await settled(delivery);
  expect(said.length).toBe(maxAttempts);
  for (const words of said) expect(words).not.toMatch(/hook|secret|token/);
});
