import { describe, expect, it } from 'vitest';
import type { ToArchive } from './messages.ts';
import { maxUnanswered, Outbox } from './outbox.ts';

function stored(write: number): ToArchive {
  return { stored: { flush: write, write, syncedWrites: write } };
}

describe('messages to the archive’s thread', () => {
  it('are sent at once while the thread answers', () => {
    const sent: ToArchive[] = [];
    const outbox = new Outbox((message) => sent.push(message));
    for (let write = 1; write <= 1_000; write++) {
      outbox.post(stored(write));
      outbox.answered();
    }
    expect(sent).toEqual(Array.from({ length: 1_000 }, (_, index) => stored(index + 1)));
  });

  it('do not pile up while the thread stalls, and none is forgotten', () => {
    const sent: ToArchive[] = [];
    const outbox = new Outbox((message) => sent.push(message));
    for (let write = 1; write <= 100_000; write++) outbox.post(stored(write));
    expect([sent.length, outbox.waiting]).toEqual([maxUnanswered, 1]);
    outbox.post({ gaveUp: 100_001 });
    outbox.post(stored(100_002));
    outbox.post(stored(100_003));
    outbox.post({ recount: 1 });
    outbox.post({ stop: true });
    expect(outbox.waiting).toBe(5);
    for (let answer = 0; answer < maxUnanswered; answer++) outbox.answered();
    expect(sent.slice(maxUnanswered)).toEqual([
      stored(100_000),
      { gaveUp: 100_001 },
      stored(100_003),
      { recount: 1 },
      { stop: true },
    ]);
  });
});
