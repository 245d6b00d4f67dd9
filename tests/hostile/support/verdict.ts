/** Judges the outcome of a case. Pure. */
import type { Case } from '../corpus/case.ts';
import type { Seen } from './exchange.ts';

export const verdicts = [
  'as wanted',
  'refused by the time limit only',
  'not served',
  'taken although malformed',
  'counted although refused',
] as const;

export type Verdict = (typeof verdicts)[number];

/**
 * @param counted messages that the server counted, including those whose answers were lost because
 *   the bytes behind them in the same packet were refused
 */
export function verdictOn({ want }: Case, seen: Seen, counted: number): Verdict {
  const isRefused = seen.refusals > 0 || seen.closed;
  if (
    want.some((outcome) => outcome.counted === counted && (outcome.end === 'refused') === isRefused)
  )
    return 'as wanted';
  const counts = want.map((outcome) => outcome.counted);
  if (counted > Math.max(...counts))
    return isRefused ? 'counted although refused' : 'taken although malformed';
  if (!counts.includes(counted)) return 'not served';
  // The count is right, but not the end: a connection that stays open is closed by the time limit.
  return isRefused ? 'not served' : 'refused by the time limit only';
}
