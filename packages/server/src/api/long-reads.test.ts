import { EventEmitter } from 'node:events';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LongReads } from './long-reads.ts';

function request(): { readonly socket: EventEmitter; readonly request: FastifyRequest } {
  const socket = new EventEmitter();
  return { socket, request: { raw: { socket } } as unknown as FastifyRequest };
}

/** Asks for a turn and says how it stands. */
function ask(reads: LongReads) {
  const { socket, request: asking } = request();
  const turn = { socket, state: 'waits', end: () => undefined as unknown };
  reads.turn(asking).then(
    (end) => Object.assign(turn, { state: 'reads', end }),
    (error) => Object.assign(turn, { state: error.code }),
  );
  return turn;
}

/** Lets promises settle. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const states = (turns: readonly { readonly state: string }[]): string[] =>
  turns.map(({ state }) => state);

describe('LongReads', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lets four read at once, and the next when one has ended, in the order of asking', async () => {
    const reads = new LongReads();
    const turns = Array.from({ length: 6 }, () => ask(reads));
    await settle();
    expect(states(turns)).toEqual(['reads', 'reads', 'reads', 'reads', 'waits', 'waits']);
    turns[1]?.end();
    turns[1]?.end();
    await settle();
    expect(states(turns.slice(4))).toEqual(['reads', 'waits']);
  });

  it('forgets whoever leaves while waiting', async () => {
    const reads = new LongReads();
    const turns = Array.from({ length: 6 }, () => ask(reads));
    await settle();
    turns[4]?.socket.emit('close');
    turns[0]?.end();
    await settle();
    expect(states(turns.slice(4))).toEqual(['RETO3_BUSY', 'reads']);
  });

  it('says that it is busy after half a minute, and to more than a hundred at once', async () => {
    const reads = new LongReads();
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
});
