/**
 * Counts the messages of logs by a key, in a second reading: bursts are known only after the first.
 */
import { Reto3Error } from '@reto3/core';
import { type CountKeys, KeyTally, type WhoKey } from '@reto3/engine';
import { type LogOptions, readLogs } from './read-log.ts';
import { RequestFieldsReader } from './request-fields.ts';

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
  const field = fieldOf(key);
  return async (range, stretches) => {
    const tally = new KeyTally(range, stretches);
    let isKnown = false;
    const fields = new RequestFieldsReader();
    const textOf = (bytes: Uint8Array, from: number, to: number): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
    await readLogs(names, options, nowMs, () => undefined, {
      message(ms, bytes, from, to) {
        if (ms < range.from || ms >= range.to) return;
        const value = fields.read(textOf(bytes, from, to))[field];
        isKnown ||= value !== undefined;
        tally.add(ms, value ?? '');
      },
      header: (bytes, from, to) => fields.takeHeader(textOf(bytes, from, to)),
    });
    if (isKnown) return tally.end();
    throw new Reto3Error('RETO3_NO_DATA', `no line of ${names.join(', ')} has a ${key}`, {
      hint: 'choose another key: path, method, status, host or client',
    });
  };
}

function fieldOf(key: WhoKey) {
  switch (key) {
    case 'path':
    case 'method':
    case 'status':
    case 'host':
    case 'client':
      return key;
    default:
      throw new Reto3Error('RETO3_BAD_FLAG', `got --who ${key} with --log, which has no headers`, {
        hint: 'use path, method, status, host or client',
      });
  }
}
