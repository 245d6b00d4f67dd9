/**
 * Damage as answers name it. A folder may have any number of damaged places, and whoever reads an
 * answer must learn of them in bounded size: the first ones, and how many there are.
 */
import type { Damage } from '../damage.ts';

/** A part of a range whose counts cannot be read, [from, to), epoch ms. */
interface Place {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** The fields of an answer. */
export interface Damaged {
  /** At most the first 100. */
  readonly damaged: readonly Place[];
  /** How many there are. */
  readonly damagedPlaces: number;
}

const mostPlaces = 100;
/** A reason may quote a message of the operating system. */
const longestReason = 200;
/** The header part of an answer is limited by proxies to 4 KiB and up, by Node.js to 16 KiB. */
const mostInTrailer = 10;
const longestTrailer = 3_000;
/** ASCII record separator: the end of an answer begins with it. */
export const endMark = '\x1e';

/** Places that were found several times, as in several passes over the windows, count once. */
export function damagedOf(damages: readonly Omit<Damage, 'series'>[]): Damaged {
  const found = new Map(damages.map((damage) => [`${damage.from} ${damage.to}`, damage]));
  const first = [...found.values()].slice(0, mostPlaces);
  return {
    damaged: first.map(({ from, to, reason }) => ({
      from,
      to,
      reason: reason.slice(0, longestReason),
    })),
    damagedPlaces: found.size,
  };
}

/** The last two fields of a JSON answer, without a brace in front. */
export function damagedFields(damages: readonly Damage[]): string {
  return JSON.stringify(damagedOf(damages)).slice(1);
}

/** The trailer `reto3-damaged`: as many of the first ten places as fit, in ASCII. */
export function damagedTrailer(damages: readonly Damage[]): string {
  const places = damagedOf(damages).damaged.slice(0, mostInTrailer);
  let text = asciiOf(places);
  while (text.length > longestTrailer && places.pop() !== undefined) text = asciiOf(places);
  return text;
}

function asciiOf(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The last record of an answer whose reader asked for one: proves that nothing was cut off. */
export function endRecord(damages: readonly Damage[]): string {
  return `${endMark}${JSON.stringify(damagedOf(damages))}\n`;
}
