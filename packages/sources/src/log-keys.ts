/**
 * Counts the messages of logs by a key, in a second pass: bursts are known only after the first.
 */
import { Reto3Error } from '@reto3/core';
import { type CountKeys, KeyTally, type WhoKey } from '@reto3/engine';
import type { LogOptions } from './plan.ts';
import { readLogs } from './read-log.ts';
import type { Request } from './request.ts';

/** @throws Reto3Error RETO3_BAD_FLAG, and what `readLogs` throws */
export function countLogKeys(
  names: readonly string[],
  options: LogOptions,
  nowMs: number,
  key: WhoKey,
): CountKeys {
  if (names.includes('-'))
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --who with a log on stdin, which is read twice', {
      hint: 'name a file',
    });
  const read = readerOf(key);
  return async (range, stretches) => {
    const tally = new KeyTally(range, stretches);
    let isKnown = false;
    await readLogs(names, options, nowMs, () => undefined, {
      takesAgent: key === 'header:user-agent',
      message(ms, request) {
        if (ms < range.from || ms >= range.to) return;
        const value = read(request);
        isKnown ||= value !== '';
        tally.add(ms, value);
      },
    });
    if (isKnown) return tally.end();
    throw new Reto3Error('RETO3_NO_DATA', `no line of ${names.join(', ')} has a ${key}`, {
      hint: 'choose another key: path, method, status, host, client or header:user-agent',
    });
  };
}

/** Reads the value of a key; empty where a request has none. */
function readerOf(key: WhoKey): (request: Request) => string {
  switch (key) {
    case 'path':
    case 'method':
    case 'host':
    case 'client':
      return (request) => request[key].text();
    case 'status':
      return ({ status }) => (status === 0 ? '' : String(status));
    case 'header:user-agent':
      return ({ agent }) => agent.text();
    default:
      throw new Reto3Error(
        'RETO3_BAD_FLAG',
        `got --who ${key} with --log, which has no such header`,
        { hint: 'use path, method, status, host, client or header:user-agent' },
      );
  }
}
