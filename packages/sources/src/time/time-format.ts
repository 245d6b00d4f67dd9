/**
 * Times in a form described with strftime's letters: `--time-format`.
 *
 *     %Y %m %d %H %M %S   numbers          %b %B   month, short or long, English
 *     %f   fraction of a second, any length          %y   year of 2000 to 2068, 1969 to 1999
 *     %z   Z, +0100 or +01:00              %s   seconds since the epoch, with a fraction
 *     %p %I   AM or PM, 12 hours           %Q   milliseconds since the epoch, with a fraction
 *     %e   day, padded with a blank        %%   a percent sign
 */
import { Reto3Error } from '@reto3/core';
import { daysOf, type Instant, unitDigits } from './instant.ts';
import type { Zone } from './zone.ts';

const monthNames = [
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
];

/** What each letter matches, with a group for each value. */
const patterns: Readonly<Record<string, string>> = {
  Y: '(?<Y>\\d{4})',
  y: '(?<y>\\d{2})',
  m: '(?<m>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  e: ' ?(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  I: '(?<I>\\d{1,2})',
  M: '(?<M>\\d{2})',
  S: '(?<S>\\d{2})',
  p: '(?<p>[AaPp][Mm])',
  f: '(?<f>\\d+)',
  b: '(?<b>[A-Za-z]{3})',
  B: '(?<b>[A-Za-z]{3})[a-z]*',
  a: '[A-Za-z]{3}',
  A: '[A-Za-z]+',
  z: '(?<z>Z|[+-]\\d{2}:?\\d{2})',
  s: '(?<s>\\d{9,11}(?:\\.\\d+)?)',
  Q: '(?<Q>\\d{12,14}(?:\\.\\d+)?)',
  '%': '%',
};
/** The same for times since the start of a run, which are short at first. */
const relativePatterns: typeof patterns = {
  ...patterns,
  s: '(?<s>\\d{1,11}(?:\\.\\d+)?)',
  Q: '(?<Q>\\d{1,14}(?:\\.\\d+)?)',
};

/** What a date consists of, and the letters for it. */
const parts: readonly (readonly [name: string, letters: RegExp])[] = [
  ['year', /%[Yy]/],
  ['month', /%[mbB]/],
  ['day', /%[de]/],
];

/** Reads a text of that form into an instant; false for other texts. */
export type ReadTimeText = (text: string, into: Instant, zone: Zone) => boolean;

/**
 * @param isRelative numbers count from the start of a run
 * @throws Reto3Error RETO3_BAD_FLAG
 */
export function parseTimeFormat(format: string, isRelative = false): ReadTimeText {
  const known = isRelative ? relativePatterns : patterns;
  const source = format.replace(
    /%(.)|([^\w\s])|(\s+)/g,
    (_, letter: string | undefined, mark: string | undefined) => {
      if (letter === undefined) return mark === undefined ? '\\s+' : `\\${mark}`;
      const pattern = known[letter];
      if (pattern !== undefined) return pattern;
      throw new Reto3Error('RETO3_BAD_FLAG', `got --time-format with an unknown %${letter}`, {
        hint: `use ${Object.keys(known)
          .map((name) => `%${name}`)
          .join(' ')}`,
      });
    },
  );
  for (const [name, letters] of parts)
    if (!letters.test(format) && !/%[sQ]/.test(format))
      throw new Reto3Error('RETO3_BAD_FLAG', `got --time-format "${format}" without a ${name}`, {
        hint: 'add to the lines what their date lacks, for example with sed, and describe it',
      });
  const regex = new RegExp(`^${source}$`);
  return (text, into, zone) => {
    const groups = regex.exec(text)?.groups;
    return groups !== undefined && readGroups(groups, into, zone);
  };
}

function readGroups(
  { Y, y, m, b, d, H, I, M, S, p, f, z, s, Q }: Readonly<Record<string, string | undefined>>,
  into: Instant,
  zone: Zone,
): boolean {
  const number = s ?? Q;
  if (number !== undefined) {
    const bytes = Buffer.from(number, 'latin1');
    const unit = s === undefined ? unitDigits.ms : unitDigits.s;
    return into.readDecimal(bytes, 0, bytes.length, unit);
  }
  const twoDigitYear = Number(y) < 69 ? 2_000 + Number(y) : 1_900 + Number(y);
  const month = b === undefined ? Number(m) : monthNames.indexOf(b.toLowerCase()) + 1;
  const days = daysOf(Y === undefined ? twoDigitYear : Number(Y), month, Number(d));
  const noon = p?.toLowerCase() === 'pm' ? 12 : 0;
  const hour = H === undefined ? (Number(I ?? 0) % 12) + noon : Number(H);
  const second = Number(S ?? 0);
  const minute = Number(M ?? 0);
  if (!(days >= 0 && hour < 24 && minute < 60 && second <= 60)) return false;
  const fraction = (f ?? '').padEnd(9, '0');
  const local = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000;
  into.ms =
    (z === undefined ? zone.toUtc(local) : local - offsetMs(z)) + Number(fraction.slice(0, 3));
  into.ns = Number(fraction.slice(3, 9));
  into.digits = f?.length ?? 0;
  return true;
}

function offsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}
