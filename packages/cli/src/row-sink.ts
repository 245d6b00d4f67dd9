import { Writable } from 'node:stream';
import type { StatsRow } from '@reto3/client/answers';

/** A stream that takes an answer as NDJSON, and hands on its windows. */
export function rowSink(take: (start: number, count: number) => void): Writable {
  let rest = '';
  return new Writable({
    decodeStrings: false,
    write(piece: Buffer | string, _, done) {
      const lines = (rest + piece.toString()).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) {
          const { start, count }: StatsRow = JSON.parse(line);
          take(start, count);
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
