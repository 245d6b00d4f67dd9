import type { HttpResponse } from 'uWebSockets.js';
import { setImmediate } from 'node:timers/promises';
import { allocate, controlOf, RingReader } from '@reto3/engine/ring';
import { flushNumberAt } from '@reto3/engine/src/ring/layout.ts';
import { describe, expect, it } from 'vitest';
import { PendingResponses } from './pending-responses.ts';

/** The part of a response that is used here. */
class FakeResponse {
  answers = 0;
  counted = 0;
  closed = false;
  paused = false;
  abort: () => void = () => undefined;

  onAborted(handler: () => void): void {
    this.abort = handler;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  cork(action: () => void): void {
    action();
  }

  end(): void {
    this.answers++;
  }

  close(): void {
    this.closed = true;
    this.abort();
  }
}

function setUp(monotonicMs?: () => number) {
  const memory = allocate(1);
  const control = controlOf(memory);
  const ring = new RingReader(memory);
  const pending = new PendingResponses(control, monotonicMs);
  const receive = (): FakeResponse => {
    const response = new FakeResponse();
    pending.receive(response as unknown as HttpResponse, () => response.counted++);
    return response;
  };
  /** A response that has been received, after the turn of the event loop has ended. */
  const park = async (): Promise<FakeResponse> => {
    const response = receive();
    await setImmediate();
    return response;
  };
  return { control, ring, pending, receive, park };
}

describe('PendingResponses', () => {
  it('answers all that wait for that flush or an earlier one, once', async () => {
    const { ring, pending, park } = setUp();
    const [first, second] = [await park(), await park()];
    const flush = ring.raiseFlush();
    const third = await park();
    pending.answer(flush - 1);
    expect([first.answers, second.answers, third.answers]).toEqual([0, 0, 0]);
    pending.answer(flush);
    expect([first.answers, second.answers, third.answers]).toEqual([1, 1, 0]);
    pending.answer(flush + 5);
    pending.answer(flush + 5);
    expect([first.answers, second.answers, third.answers]).toEqual([1, 1, 1]);
  });

  it('counts when the turn of the event loop is over, and asks for a flush', async () => {
    const { ring, receive } = setUp();
    const both = [receive(), receive()];
    expect(both.map(({ counted }) => counted)).toEqual([0, 0]);
    expect(ring.takeFlushRequest()).toBe(false);
    await setImmediate();
    expect(both.map(({ counted }) => counted)).toEqual([1, 1]);
    expect(ring.takeFlushRequest()).toBe(true);
  });

  it('neither counts nor answers requests whose connection closes before the turn ends', async () => {
    const { ring, pending, receive } = setUp();
    const [gone, here] = [receive(), receive()];
    gone.abort();
    await setImmediate();
    pending.answer(ring.raiseFlush());
    expect([gone.counted, gone.answers]).toEqual([0, 0]);
    expect([here.counted, here.answers]).toEqual([1, 1]);
  });

  it('requests no flush if all connections close before the turn ends', async () => {
    const { ring, receive } = setUp();
    receive().abort();
    await setImmediate();
    expect(ring.takeFlushRequest()).toBe(false);
  });

  it('reads nothing more from a connection until its answer has left', async () => {
    const { ring, pending, receive } = setUp();
    const response = receive();
    expect(response.paused).toBe(true);
    await setImmediate();
    expect(response.paused).toBe(true);
    pending.answer(ring.raiseFlush());
    expect(response.paused).toBe(false);
  });

  it('does not touch a response whose connection is lost', async () => {
    const { ring, pending, park } = setUp();
    const [gone, here] = [await park(), await park()];
    gone.abort();
    pending.answer(ring.raiseFlush());
    expect([gone.counted, gone.answers, gone.paused]).toEqual([1, 0, true]);
    expect(here.answers).toBe(1);
  });

  it('closes what has waited for 30 s, unanswered, and leaves the others', async () => {
    let nowMs = 0;
    const { ring, pending, park } = setUp(() => nowMs);
    const old = [await park(), await park()];
    ring.raiseFlush();
    nowMs = 1_000;
    const young = await park();
    nowMs = 29_999;
    pending.giveUp();
    expect(old.map(({ closed }) => closed)).toEqual([false, false]);
    nowMs = 30_000;
    pending.giveUp();
    pending.answer(ring.raiseFlush());
    expect(old.map(({ closed, answers }) => [closed, answers])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    expect([young.closed, young.answers]).toEqual([false, 1]);
  });

  it('keeps the order when flush numbers wrap at 32 bits', async () => {
    const { control, ring, pending, park } = setUp();
    Atomics.store(control, flushNumberAt, 2 ** 31 - 1);
    const before = await park();
    const last = ring.raiseFlush();
    const after = await park();
    pending.answer(last);
    expect([before.answers, after.answers]).toEqual([1, 0]);
    pending.answer(-(2 ** 31));
    expect(after.answers).toBe(1);
  });
});
