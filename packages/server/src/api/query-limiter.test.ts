import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ReportWindows, StoredWindow } from '@reto3/reports';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { QueryLimiter } from './query-limiter.ts';
import { ReadThrottle } from './read-throttle.ts';

const many = Number.POSITIVE_INFINITY;

function request(): { readonly socket: Socket; readonly request: FastifyRequest } {
  const socket = new Socket();
  return { socket, request: { raw: { socket } } as unknown as FastifyRequest };
}

/** Queues a query that runs until `end` is called; returns its state. */
function ask(reads: QueryLimiter) {
  const { socket, request: asking } = request();
  const turn = { socket, state: 'waits', end: (): void => undefined };
  reads
    .run(asking, many, () => {
      turn.state = 'reads';
      return new Promise<void>((resolve) => {
        turn.end = resolve;
      });
    })
    .catch((error) => Object.assign(turn, { state: error.code }));
  return turn;
}

/** Lets pending promises settle. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const states = (turns: readonly { readonly state: string }[]): string[] =>
  turns.map(({ state }) => state);

describe('QueryLimiter', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs four long queries at once, and the others in order as those end', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const turns = Array.from({ length: 6 }, () => ask(reads));
    await settle();
    expect(states(turns)).toEqual(['reads', 'reads', 'reads', 'reads', 'waits', 'waits']);
    turns[1]?.end();
    await settle();
    expect(states(turns.slice(4))).toEqual(['reads', 'waits']);
  });

  it('removes a client that leaves the queue', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const turns = Array.from({ length: 6 }, () => ask(reads));
    await settle();
    turns[4]?.socket.emit('close');
    turns[0]?.end();
    await settle();
    expect(states(turns.slice(4))).toEqual(['RETO3_BUSY', 'reads']);
  });

  it('answers busy after half a minute in the queue, and beyond a hundred queued', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const turns = Array.from({ length: 105 }, () => ask(reads));
    await settle();
    expect(turns[104]?.state).toBe('RETO3_BUSY');
    expect(turns[103]?.state).toBe('waits');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(turns[103]?.state).toBe('RETO3_BUSY');
    for (const turn of turns.slice(0, 4)) turn.end();
    const next = ask(reads);
    await settle();
    expect(next.state).toBe('reads');
  });

  it('runs short queries at once', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    for (let time = 0; time < 6; time++) ask(reads);
    await expect(reads.run(request().request, 360_000, async () => 'read')).resolves.toBe('read');
  });

  it('frees the slot of a query that fails, at once or later', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const failing = [
      () => {
        throw new Error('at once');
      },
      () => Promise.reject(new Error('later')),
    ];
    for (let time = 0; time < 6; time++) {
      for (const read of failing)
        await expect(reads.run(request().request, many, read)).rejects.toThrow();
    }
    const next = ask(reads);
    await settle();
    expect(next.state).toBe('reads');
  });

  it('keeps the slot of a stream until it is closed', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const streams = Array.from({ length: 4 }, () => new Readable({ read: () => undefined }));
    for (const stream of streams)
      await reads.run(request().request, many, () => Promise.resolve(stream));
    const next = ask(reads);
    await settle();
    expect(next.state).toBe('waits');
    streams[2]?.destroy();
    await settle();
    expect(next.state).toBe('reads');
  });

  it('leaves the timeout that Node.js sets between two requests', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    for (const isAnswered of [false, true]) {
      const { socket, request: asking } = request();
      const stream = new Readable({ read: () => undefined });
      await reads.run(asking, many, () => Promise.resolve(stream));
      expect(socket.timeout).toBe(60_000);
      if (isAnswered) socket.setTimeout(72_000);
      stream.destroy();
      await settle();
      expect([socket.timeout, socket.listenerCount('timeout')]).toEqual([
        isAnswered ? 72_000 : 0,
        0,
      ]);
    }
  });

  it('aborts a query whose client left, or that takes too long', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const begin = () => {
      const { socket, request: asking } = request();
      const read = reads.run(asking, many, async ({ signal }) => {
        while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1_000));
        throw signal.reason;
      });
      return { socket, ended: expect(read).rejects.toMatchObject({ code: 'RETO3_BUSY' }) };
    };
    const left = begin();
    await settle();
    left.socket.emit('close');
    await vi.advanceTimersByTimeAsync(1_000);
    await left.ended;
    expect(left.socket.listenerCount('close')).toBe(0);

    const endless = begin();
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    await endless.ended;
  });

  it('frees the slot of a stream whose client leaves during a throttle pause', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0.9));
    // Each window is as much work as 200 blocks.
    async function* windows(): AsyncGenerator<StoredWindow> {
      for (let start = 0; ; start++) yield { start, bytes: new Uint8Array(1_200_000) };
    }
    const report: ReportWindows = {
      finalThrough: 1,
      newestEnd: async () => 1,
      windows,
      close: async () => undefined,
    };
    const { socket, request: asking } = request();
    let closed = false;
    const stream = await reads.run(asking, many, async (reading) =>
      Readable.from(reading.report(report).windows({ from: 0, to: 1 }, () => undefined)),
    );
    stream.once('close', () => (closed = true)).resume();
    await vi.advanceTimersByTimeAsync(1_000);
    socket.destroy();
    await settle();
    expect([closed, vi.getTimerCount()]).toEqual([true, 0]);
    const next = Array.from({ length: 4 }, () => ask(reads));
    await settle();
    expect(states(next)).toEqual(Array(4).fill('reads'));
  });

  it('cuts a stream that nobody reads, or that never ends', async () => {
    const reads = new QueryLimiter(new ReadThrottle(() => 0));
    const begin = async (): Promise<{ stream: Readable; socket: Socket; ended: string[] }> => {
      const { socket, request: asking } = request();
      const stream = new Readable({ read: () => undefined });
      const ended: string[] = [];
      stream.once('error', ({ message }) => ended.push(message));
      await reads.run(asking, many, () => Promise.resolve(stream));
      return { stream, socket, ended };
    };
    const idle = await begin();
    expect(idle.socket.timeout).toBe(60_000);
    idle.socket.emit('timeout');
    await settle();
    expect(idle.ended).toEqual(['the answer took too long']);

    const endless = await begin();
    await vi.advanceTimersByTimeAsync(29 * 60_000);
    expect(endless.ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(endless.ended).toEqual(['the answer took too long']);

    const done = await begin();
    done.stream.destroy();
    await settle();
    expect([done.socket.timeout, done.socket.listenerCount('timeout')]).toEqual([0, 0]);
    await vi.advanceTimersByTimeAsync(40 * 60_000);
    expect(done.ended).toEqual([]);
  });
});
