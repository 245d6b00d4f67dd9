/** Suggests an existing name for a mistyped one. */
import { closest, distance } from 'fastest-levenshtein';

/**
 * Text to append to a message: `, did you mean "stats"?`, or nothing if no name is close enough.
 */
export function didYouMean(written: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(written, names);
  const wrong = distance(written, nearest);
  // With more than a third of its letters wrong (two in a short name) it is another word. So it is
  // if every letter of the shorter name may be wrong, as between --bad and --ca.
  const letters = Math.min(...[written, nearest].map((name) => name.replace(/^-+/, '').length));
  return wrong <= Math.max(2, Math.floor(written.length / 3)) && wrong < letters
    ? `, did you mean "${nearest}"?`
    : '';
}
