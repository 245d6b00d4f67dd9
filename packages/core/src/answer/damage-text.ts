/**
 * Damage as it appears in answers, in bounded size: a folder may have any number of damaged places,
 * so an answer lists the first ones and the total.
 */
import type { Damage } from '../damage.ts';
import { type PartlyCounted, partialOf } from './partial-windows.ts';

/** The time of a damaged part of a range, [from, to), epoch ms. */
interface Place {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** The fields about damage that every answer has. */
export interface Damaged {
  /** The first 100 places at most. */
  readonly damaged: readonly Place[];
  /** The number of all places. */
  readonly damagedPlaces: number;
}

const maxPlaces = 100;
/** A reason may quote the operating system, which may say anything at any length. */
const maxReasonChars = 200;
/** Proxies limit headers to as little as 4 KiB, Node.js to 16 KiB. */
const maxTrailerPlaces = 10;
const maxTrailerChars = 3_000;
/** ASCII record separator: the first character of the end record. */
export const endMark = '\x1e';

/** Counts a place once, however many passes over the windows found it. */
export function damagedOf(damages: readonly Omit<Damage, 'series'>[]): Damaged {
  const found = new Map(damages.map((damage) => [`${damage.from} ${damage.to}`, damage]));
  const first = [...found.values()].slice(0, maxPlaces);
  return {
    damaged: first.map(({ from, to, reason }) => ({
      from,
      to,
      reason: reason.slice(0, maxReasonChars),
    })),
    damagedPlaces: found.size,
  };
}

/** The last two fields of a JSON answer, without the opening brace. */
export function damagedFields(damages: readonly Damage[]): string {
  return JSON.stringify(damagedOf(damages)).slice(1);
}

/** The trailer `reto3-damaged`: up to ten places, as many as fit, in ASCII. */
export function damagedTrailer(damages: readonly Damage[]): string {
  const places = damagedOf(damages).damaged.slice(0, maxTrailerPlaces);
  let text = asciiOf(places);
  while (text.length > maxTrailerChars && places.pop() !== undefined) text = asciiOf(places);
  return text;
}

function asciiOf(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The last record of an answer, if the client asked for one: proves that the answer is complete. */
export function endRecord(damages: readonly Damage[], partial?: PartlyCounted): string {
  const fields = { ...damagedOf(damages), ...(partial && partialOf(partial)) };
  return `${endMark}${JSON.stringify(fields)}\n`;
}
