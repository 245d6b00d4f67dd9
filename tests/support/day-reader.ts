/**
 * Compares the output of `reto3 stats` with a day of counts as it arrives, and never keeps its 240
 * MB.
 */
import type { Day } from './day.ts';

const lineFeed = 0x0a;
const comma = 0x2c;
const zero = 0x30;
const nine = 0x39;
const secondChars = 'YYYY-MM-DD HH:MM:SS.'.length;

interface Reader {
  readonly take: (piece: Buffer) => void;
  /** The number of correct windows before the first wrong one. */
  readonly windows: () => number;
  readonly total: () => number;
}

/** Compares each line with the next expected window. */
export function lineReader(day: Day): Reader {
  let rest: Buffer = Buffer.alloc(0);
  let windows = 0;
  let total = 0;
  const take = (piece: Buffer): void => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, from)) {
      const count = day.counts[windows] ?? Number.NaN;
      const line = bytes.toString('latin1', from, end);
      if (line !== expectedLine(day.from + windows * 10, count))
        throw new Error(`got the line "${line}" for window ${windows}, with ${count}`);
      windows++;
      total += count;
      from = end + 1;
    }
    rest = bytes.subarray(from);
  };
  return { take, windows: () => windows, total: () => total };
}

let second = Number.NaN;
let secondText = '';

function expectedLine(start: number, count: number): string {
  const thisSecond = Math.floor(start / 1_000);
  if (thisSecond !== second) {
    second = thisSecond;
    secondText = new Date(start).toISOString().replace('T', ' ').slice(0, secondChars);
  }
  return `${secondText}${String(start % 1_000).padStart(3, '0')}, ${count}`;
}

/** Compares the columns of a JSON answer, where all starts precede all counts. */
export function columnReader(day: Day): Reader {
  const marks = ['"starts":[', '"counts":['];
  let column = -1;
  let head = '';
  let value = 0;
  let digits = 0;
  let windows = 0;
  let total = 0;
  const expected = (): number =>
    column === 0 ? day.from + windows * 10 : (day.counts[windows] ?? Number.NaN);
  const endOfValue = (): void => {
    if (digits === 0) return;
    if (value !== expected()) throw new Error(`got ${value} for window ${windows}`);
    windows++;
    if (column === 1) total += value;
    value = 0;
    digits = 0;
  };
  const take = (piece: Buffer): void => {
    for (const byte of piece) {
      const inColumn = column >= 0 && head === '';
      if (inColumn && byte >= zero && byte <= nine) {
        value = value * 10 + byte - zero;
        digits++;
      } else if (inColumn && byte === comma) {
        endOfValue();
      } else {
        if (inColumn) endOfValue();
        head += String.fromCharCode(byte);
        const mark = marks[column + 1];
        if (mark === undefined || !head.endsWith(mark)) continue;
        if (column === 0 && windows !== day.counts.length)
          throw new Error(`got ${windows} starts, want ${day.counts.length}`);
        column++;
        windows = 0;
        head = '';
      }
    }
  };
  return { take, windows: () => windows, total: () => total };
}
