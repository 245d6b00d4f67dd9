import { describe, expect, it } from 'vitest';
import { parseWrk } from './wrk.ts';

const printed = `Running 2s test @ http://127.0.0.1:8080
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
Requests/sec: 100000.00
wrk.lua {"requests":200000,"microseconds":2000000,"failed":3,"p50":610,"p99":1900}
`;

describe('parseWrk', () => {
  it('finds its line and converts it to rates and milliseconds', () => {
    expect(parseWrk(printed)).toEqual({
      requestsPerSecond: 100_000,
      failed: 3,
      p50Ms: 0.61,
      p99Ms: 1.9,
    });
  });

  it('quotes the output if the line is missing', () => {
    expect(() => parseWrk('unable to connect\n')).toThrow('unable to connect');
  });

  it('names a missing field', () => {
    expect(() => parseWrk('wrk.lua {"requests":1}')).toThrow('microseconds');
  });
});
