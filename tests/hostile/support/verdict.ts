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
 * @param counted messages that the server counted; answers may have been lost with the connection,
 * where what followed in the same packet was refused
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
  // The right number, and another end: one that stays open closes when its time is over.
  return isRefused ? 'not served' : 'refused by the time limit only';
}
