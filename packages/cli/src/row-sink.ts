import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { StatsRow } from '@reto3/client/answers';

/** A stream that parses an NDJSON answer and passes on its rows. */
export function rowSink<Row>(take: (row: Row) => void): Writable {
  // A piece of a server's answer may end in the middle of a character.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return new Writable({
    decodeStrings: false,
    write(piece: Buffer | string, _, done) {
      const text = typeof piece === 'string' ? piece : decoder.write(piece);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) {
          const row: Row = JSON.parse(line);
          take(row);
        }
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

/** Takes a window that was counted, fully or in part; its start is epoch ms. */
type TakeWindow = (start: number, count: number, partial: boolean) => void;

/** The same for an answer with counts. */
export function windowSink(take: TakeWindow): Writable {
  return rowSink<StatsRow>(({ start, count, partial }) => take(start, count, partial === true));
}
