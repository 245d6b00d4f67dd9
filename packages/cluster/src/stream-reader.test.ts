/** The gaps and the place of a reader. How it recognizes a stream: merger.test.ts. */
import { VirtualClock } from '@reto3/core/testing';
import { expect, it, vi } from 'vitest';
import type { JetStream } from './nats.ts';
import { StreamReader } from './stream-reader.ts';

/** A stream with messages of these numbers, which then ends. */
function streamOf(...numbers: number[]): JetStream {
  const info = async () => ({
    created: 'monday',
    state: { messages: numbers.length, first_seq: numbers[0], last_seq: numbers.at(-1) },
  });
  const getMessage = async (_: string, { seq }: { seq: number }) => ({ time: new Date(seq) });
  const get = async (_: string, { opt_start_seq: from = 1 }) => ({
    consume: async () => ({
      stop: () => undefined,
      status: async function* () {},
      async *[Symbol.asyncIterator]() {
        for (const seq of numbers.filter((each) => each >= from))
          yield {
            seq,
            subject: 's',
            data: new Uint8Array(),
            timestampNanos: BigInt(seq) * 1_000_000n,
          };
      },
    }),
  });
  return {
    manager: { streams: { info, getMessage } },
    reader: { consumers: { get } },
  } as unknown as JetStream;
}

it('reports deleted messages, and takes the others in order, behind its place', async () => {
  const told: unknown[] = [];
  const reader = new StreamReader(new VirtualClock(0), undefined, {
    found: (still) => told.push({ still }),
    gap: () => told.push('gap'),
    take: () => told.push('message'),
    taken: async () => {
      told.push(reader.place.position);
    },
  });
  const run = (stream: JetStream) => reader.run(stream, 'S', () => told.push('reading'));
  await run(streamOf(2, 3));
  expect(told).toEqual([{ still: undefined }, 'reading', 'message', 2, 'message', 3]);
  expect(reader.place).toEqual({ stream: 'monday', position: 3, positionTime: 3 });
  told.length = 0;
  await run(streamOf(2, 3, 5));
  expect(told).toEqual([{ still: true }, 'reading', 'gap', 'message', 5]);
  told.length = 0;
  // The stream lost its newest message.
  await run(streamOf(2, 3));
  expect(told).toEqual([{ still: false }, 'reading', 'message', 2, 'message', 3]);
});

it('is behind until it has found the stream and read what that had', async () => {
  const behind: boolean[] = [];
  const look = () => behind.push(reader.isBehind);
  const reader: StreamReader = new StreamReader(new VirtualClock(0), undefined, {
    ...{ found: look, gap: () => undefined, take: () => undefined },
    taken: async () => void look(),
  });
  look();
  await reader.run(streamOf(2, 3), 'S', () => undefined);
  expect(behind).toEqual([true, true, true, false]);
  await reader.run(streamOf(), 'S', () => undefined);
  expect(reader.isBehind).toBe(false);
});

/** A stream with a message, and a consumer that sends heartbeats and never delivers it. */
function withholdingStream(): JetStream {
  const info = async () => ({
    created: 'monday',
    state: { messages: 1, first_seq: 1, last_seq: 1 },
  });
  const consume = async () => {
    let stop = (): void => undefined;
    const stopped = new Promise<IteratorResult<never>>((resolve) => {
      stop = () => resolve({ done: true, value: undefined });
    });
    const iterator = { next: () => stopped };
    return { stop, status: async function* () {}, [Symbol.asyncIterator]: () => iterator };
  };
  return {
    manager: { streams: { info } },
    reader: { consumers: { get: async () => ({ consume }) } },
  } as unknown as JetStream;
}

it('reports a gap and ends if the stream delivers none of its messages', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const gap = vi.fn<() => void>();
    const ignored = (): void => undefined;
    const reader = new StreamReader(new VirtualClock(0), undefined, {
      ...{ found: ignored, gap, take: ignored },
      taken: async () => undefined,
    });
    const running = reader.run(withholdingStream(), 'S', ignored);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(gap).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(3_000);
    await running;
    expect(gap).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});
