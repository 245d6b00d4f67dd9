/** Guesses which name somebody meant who typed one that does not exist. */
import { closest, distance } from 'fastest-levenshtein';

/** `, did you mean "stats"?`, to put behind a message; empty if no name is near enough. */
export function didYouMean(written: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(written, names);
  const wrong = distance(written, nearest);
  // Further than a third of its letters (or two, for a short name) it is another word. So it is if
  // no letter of the shorter name need be right, as from --bad to --ca.
  const letters = Math.min(...[written, nearest].map((name) => name.replace(/^-+/, '').length));
  return wrong <= Math.max(2, Math.floor(written.length / 3)) && wrong < letters
    ? `, did you mean "${nearest}"?`
    : '';
}
