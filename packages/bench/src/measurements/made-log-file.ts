/** Writes large logs: a made sample, repeated as often as the size requires. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { madeLog, madeRequests } from '@reto3/sources/testing';

const seed = 20_160_528;
/** The number of requests in the sample. */
export const madeLines = 200_000;

export function sampleRequests(): ReturnType<typeof madeRequests> {
  return madeRequests(madeLines, seed);
}

/** Writes `bytes` so many times to a file. Returns its path. */
export function repeated(file: string, bytes: Uint8Array, times: number): string {
  const descriptor = openSync(file, 'w');
  try {
    for (let time = 0; time < times; time++) writeSync(descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
  return file;
}

export interface LargeLog {
  readonly path: string;
  readonly bytes: number;
  /** How often it repeats the sample, and so how often its time starts anew. */
  readonly repeats: number;
  readonly messages: number;
  /** The time of its first messages, epoch ms. */
  readonly startMs: number;
}

/** Writes a log of at least `leastBytes`. */
export function writeLargeLog(path: string, format: string, leastBytes: number): LargeLog {
  const { text, times, startMs } = madeLog(format, sampleRequests());
  const sample = Buffer.from(text);
  const repeats = Math.ceil(leastBytes / sample.length);
  repeated(path, sample, repeats);
  const messages = repeats * times.length;
  return { path, bytes: repeats * sample.length, repeats, messages, startMs };
}
