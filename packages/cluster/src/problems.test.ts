import type { Log } from '@reto3/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { Backoff, Problems } from './problems.ts';

let lines: string[];
let problems: Problems;

beforeEach(() => {
  lines = [];
  const to = (level: string) => (text: string) => lines.push(`${level}: ${text}`);
  const log = { info: to('info'), warn: to('warn'), error: to('error') };
  problems = new Problems(log as unknown as Log);
});

describe('a problem', () => {
  it('is logged once, and once when it is over', () => {
    for (let attempt = 0; attempt < 5; attempt++) problems.begin('publisher', 'cannot publish');
    problems.end('publisher');
    problems.end('publisher');
    expect(lines).toEqual([
      'warn: cannot publish; will try again',
      'info: the counts reach the cluster again',
    ]);
    expect(problems.current).toBeUndefined();
  });

  it('is logged for each part, though another is fine again', () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      problems.begin('reports', 'no reports');
      problems.end('register');
    }
    problems.begin('merger', 'no stream');
    expect(lines).toHaveLength(2);
    expect(problems.current).toBe('no reports');
  });

  it('comes first if an operator has to solve it', () => {
    problems.begin('access', 'NATS does not let this server in');
    problems.begin('connection', 'cannot connect');
    problems.begin('access', 'NATS does not let this server in');
    expect(lines).toEqual(['error: NATS does not let this server in']);
    expect(problems.current).toBe('NATS does not let this server in');
  });
});

describe('a backoff', () => {
  it('doubles up to its limit, and starts again', () => {
    const backoff = new Backoff(500, 3_000);
    expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([
      500, 1_000, 2_000, 3_000, 3_000,
    ]);
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });
});
