import type { HttpResponse } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import { ParkedResponses } from './parked.ts';

/** The part of a response that parking uses. */
class FakeResponse {
  answers = 0;
  closed = false;
  abort: () => void = () => undefined;

  onAborted(handler: () => void): void {
    this.abort = handler;
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

function park(parked: ParkedResponses, flush: number): FakeResponse {
  const response = new FakeResponse();
  parked.park(response as unknown as HttpResponse, flush);
  return response;
}

describe('ParkedResponses', () => {
  it('answers all that wait for that flush or an earlier one, once', () => {
    const parked = new ParkedResponses();
    const [first, second, third] = [park(parked, 1), park(parked, 1), park(parked, 2)];
    parked.answer(0);
    expect([first.answers, second.answers, third.answers]).toEqual([0, 0, 0]);
    parked.answer(1);
    expect([first.answers, second.answers, third.answers]).toEqual([1, 1, 0]);
    parked.answer(5);
    parked.answer(5);
    expect([first.answers, second.answers, third.answers]).toEqual([1, 1, 1]);
  });

  it('does not touch a response whose connection is gone', () => {
    const parked = new ParkedResponses();
    const [gone, here] = [park(parked, 1), park(parked, 1)];
    gone.abort();
    parked.answer(1);
    expect([gone.answers, here.answers]).toEqual([0, 1]);
  });

  it('closes what has waited for 30 s, unanswered, and leaves the others', () => {
    let nowMs = 0;
    const parked = new ParkedResponses(() => nowMs);
    const old = [park(parked, 1), park(parked, 1)];
    nowMs = 1_000;
    const young = park(parked, 2);
    nowMs = 29_999;
    parked.giveUp();
    expect(old.map(({ closed }) => closed)).toEqual([false, false]);
    nowMs = 30_000;
    parked.giveUp();
    parked.answer(2);
    expect(old.map(({ closed, answers }) => [closed, answers])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    expect([young.closed, young.answers]).toEqual([false, 1]);
  });

  it('keeps the order when flush numbers wrap at 32 bits', () => {
    const parked = new ParkedResponses();
    const before = park(parked, 2 ** 31 - 1);
    const after = park(parked, -(2 ** 31));
    parked.answer(2 ** 31 - 1);
    expect([before.answers, after.answers]).toEqual([1, 0]);
    parked.answer(-(2 ** 31));
    expect(after.answers).toBe(1);
  });
});
