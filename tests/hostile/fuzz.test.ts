/** The fuzz itself: it must pass an exact server however late that reads, and fail any other. */
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { listen } from '../support/listen.ts';
import { fuzz } from './attacks/fuzz.ts';
import type { Reto3Target } from './support/target.ts';

const seed = 20_160_528;
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

interface Habits {
  /** How many messages it counts for a request with this first line. */
  readonly counts?: (line: string) => number;
  /** It reads so long after something arrived, and then all of it. */
  readonly readsAfterMs?: number;
}

/**
 * A server that, like uWebSockets.js, loses the answers of a packet in which it refuses something.
 * To it, every whole head of a GET or HEAD is a message, and all else is refused.
 */
async function target({ counts = () => 1, readsAfterMs = 0 }: Habits): Promise<Reto3Target> {
  let counted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let unread = '';
    let rest = '';
    const read = (): void => {
      rest += unread;
      unread = '';
      let answers = '';
      for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
        const head = rest.slice(0, end);
        if (!/^(?:GET|HEAD) /.test(head)) {
          socket.destroy();
          return;
        }
        counted += counts(head);
        answers += answer;
        rest = rest.slice(end + 4);
      }
      if (answers !== '') socket.write(answers);
    };
    let reading = Promise.resolve();
    socket.setEncoding('latin1').on('data', (text) => {
      const isFirst = unread === '';
      unread += String(text);
      if (isFirst) reading = setTimeout(readsAfterMs).then(read);
    });
    socket.on('end', () => void reading.then(() => socket.end()));
    socket.on('error', () => undefined);
  });
  const port = await listen(server);
  return {
    ...{ name: 'a target', ack: 'memory', http: 'uws', pipelines: true, port, pid: 0 },
    adminUrl: '',
    alive: () => true,
    counted: async () => counted,
  };
}

test('finds every answer that connections lost, although the server reads late', async () => {
  const result = await fuzz(await target({ readsAfterMs: 20 }), seed, 1);
  expect(result.lost).toBeGreaterThan(0);
  expect(result).toMatchObject({
    counted: result.answered + result.lost,
    differenceInLines: 0,
    hangs: 0,
  });
});

test.each([
  ['counts a message twice', (line: string) => (line.startsWith('HEAD /a/b?c=d ') ? 2 : 1)],
  ['does not count a message', (line: string) => (line.startsWith('HEAD /a/b?c=d ') ? 0 : 1)],
])('fails a server that %s', async (_, counts) => {
  const result = await fuzz(await target({ counts }), seed, 1);
  expect(result.differenceInLines).toBeGreaterThan(0);
  expect(result.counted).not.toBe(result.answered + result.lost);
});
