/** How a merger recognizes its stream, and leaves one that withholds messages. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MergedStore } from './merged-store.ts';
import { Merger } from './merger.ts';
import { encodeMessage } from './message.ts';
import type { JetStream } from './nats.ts';

const stream = 'RETO3_WINDOWS';

/** A stream that delivers one message at most, and then only heartbeats. */
class QuietStream {
  created = 'monday';
  /** When its only message, number 1, was stored, epoch ms; undefined: there is none. */
  storedAt: number | undefined;
  /** Whether the consumer sends only heartbeats. */
  mute = false;
  readonly jetStream: JetStream;

  constructor() {
    const info = async () => {
      const last = this.storedAt === undefined ? 0 : 1;
      return { created: this.created, state: { messages: last, first_seq: last, last_seq: last } };
    };
    const getMessage = async () =>
      this.storedAt === undefined ? null : { time: new Date(this.storedAt) };
    const consume = async () => {
      let stop = (): void => undefined;
      const ended = new Promise<IteratorResult<never>>((resolve) => {
        stop = () => resolve({ done: true, value: undefined });
      });
      const first = this.storedAt === undefined || this.mute ? [] : [messageOf(this.storedAt)];
      const next = async (): Promise<IteratorResult<unknown>> => {
        const value = first.shift();
        return value === undefined ? ended : { done: false, value };
      };
      const messages = { next };
      const status = async function* () {
        for (;;) {
          yield { type: 'heartbeat' };
          await new Promise((resolve) => setTimeout(resolve, 1_000));
        }
      };
      return { stop, status, [Symbol.asyncIterator]: () => messages };
    };
    this.jetStream = {
      manager: { streams: { info, getMessage } },
      reader: { consumers: { get: async () => ({ consume }) } },
    } as unknown as JetStream;
  }
}

function messageOf(storedAt: number) {
  const said = { boot: 1, revision: 1, vouchedFrom: 0, mark: 0, clock: 0 };
  const data = encodeMessage({ ...said, leaving: false, seconds: [] }, 'a');
  const timestampNanos = BigInt(storedAt) * 1_000_000n + 999n;
  return { seq: 1, subject: 'reto3.windows.a', data, timestampNanos };
}

describe('a merger', () => {
  let folder: string;
  let store: MergedStore;
  let merger: Merger;
  let clock: VirtualClock;
  const quiet = new QuietStream();
  const missing = vi.fn<() => void>();

  /** Reads for so many seconds at most. Returns whether it ended by itself. */
  async function read(seconds: number): Promise<boolean> {
    let ended = false;
    const running = merger.run(quiet.jetStream, stream).finally(() => {
      ended = true;
    });
    running.catch(() => undefined);
    for (let second = 0; second < seconds && !ended; second++) {
      clock.pass(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    const byItself = ended;
    merger.halt();
    await running;
    return byItself;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-merger-'));
    clock = new VirtualClock(Date.UTC(2016, 4, 28, 11, 11));
    store = await MergedStore.open(folder, clock);
    const never = (): void => {
      throw new Error('got a line in the log, want none');
    };
    const log = { info: missing, warn: never, error: never };
    const request = () => Promise.reject(new Error('no node answers'));
    const rest = { silentAfterMs: 10_000, subjects: ['reto3.windows'] } as const;
    merger = new Merger({ store, clock, log, request, ...rest });
    quiet.created = 'monday';
    quiet.storedAt = undefined;
    quiet.mute = false;
    missing.mockReset();
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval'] });
  });

  afterEach(async () => {
    vi.useRealTimers();
    await merger.stop();
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('keeps reading a stream without messages', async () => {
    expect(await read(60)).toBe(false);
  });

  it('ends when the consumer withholds a message, and reads it from the next one', async () => {
    quiet.storedAt = 1_464_433_871_234;
    quiet.mute = true;
    expect(await read(60)).toBe(true);
    quiet.mute = false;
    expect(await read(10)).toBe(false);
    expect(merger.counters).toMatchObject({ position: 1, messages: 1 });
  });

  it('ends when the stream was deleted and created again, and logs that', async () => {
    setTimeout(() => {
      quiet.created = 'tuesday';
    }, 5_000);
    expect(await read(60)).toBe(true);
    expect(missing).toHaveBeenCalledTimes(0);
    await read(2);
    expect(missing).toHaveBeenCalledTimes(1);
  });

  it('ends when another message has the number of the last one, and logs that', async () => {
    quiet.storedAt = 1_464_433_871_234;
    expect(await read(10)).toBe(false);
    expect(merger.counters).toMatchObject({ position: 1, messages: 1 });
    expect(await read(10)).toBe(false);
    expect(missing).toHaveBeenCalledTimes(0);
    setTimeout(() => {
      quiet.storedAt = 1_464_433_871_235;
    }, 5_000);
    expect(await read(60)).toBe(true);
    await read(2);
    expect(missing).toHaveBeenCalledTimes(1);
    expect(merger.counters).toMatchObject({ position: 1, messages: 2 });
  });
});
