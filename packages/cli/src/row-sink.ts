import { Writable } from 'node:stream';
import type { StatsRow } from '@reto3/client/answers';

/** Takes a window that was counted, in part or whole; its start is epoch ms. */
type TakeRow = (start: number, count: number, partial: boolean) => void;

/** A stream that takes an answer as NDJSON, and hands on its windows. */
export function rowSink(take: TakeRow): Writable {
  let rest = '';
  return new Writable({
    decodeStrings: false,
    write(piece: Buffer | string, _, done) {
      const lines = (rest + piece.toString()).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) {
          const { start, count, partial }: StatsRow = JSON.parse(line);
          take(start, count, partial === true);
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
