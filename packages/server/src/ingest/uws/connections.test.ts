import type { HttpResponse } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import { connectionLimiter, limitIdleTime } from './connections.ts';

describe('connectionLimiter', () => {
  it('closes what comes above the bound, until others have gone', () => {
    let closed = 0;
    const response = {
      close: () => closed++,
      onAborted: () => undefined,
    } as unknown as HttpResponse;
    const bound = connectionLimiter(2, () => undefined);
    const open = (): number => {
      const before = closed;
      bound(response, 1);
      return closed - before;
    };
    expect([open(), open(), open()]).toEqual([0, 0, 1]);
    // The end of the closed connection is reported as well.
    bound(response, -1);
    expect(open()).toBe(1);
    bound(response, -1);
    bound(response, -1);
    expect(open()).toBe(0);
  });
});

describe('connectionLimiter of connections without a message', () => {
  it('leaves word with each connection that begins', () => {
    let silent = 0;
    const handlers: (() => void)[] = [];
    const onAborted = (handler: () => void): number => handlers.push(handler);
    const bound = connectionLimiter(2, () => silent++);
    bound({ onAborted } as unknown as HttpResponse, 1);
    bound({ onAborted } as unknown as HttpResponse, -1);
    expect([handlers.length, silent]).toEqual([1, 0]);
    handlers[0]?.();
    expect(silent).toBe(1);
  });
});

describe('limitIdleTime', () => {
  it('closes connections of the newer build as soon as the older one closes them', () => {
    const set: Record<string, number> = {};
    limitIdleTime({
      setIdleTimeout: (seconds: number) => (set['idle'] = seconds),
      setResponseTimeout: (seconds: number) => (set['response'] = seconds),
    });
    expect(set).toEqual({ idle: 10, response: 10 });
  });

  it('leaves the older build as it is', () => {
    expect(() => limitIdleTime({})).not.toThrow();
  });
});
