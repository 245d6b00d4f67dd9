/** The verdict of `reto3 bursts --expect` as text. */
import type { Bursts } from '@reto3/client/answers';
import { timeText } from '@reto3/core';
import { short } from './analysis.ts';
import { tableLines } from './terminal/table.ts';

type Verdict = NonNullable<Bursts['verdict']>;
type Check = Verdict['checks'][number];

/** The verdict, then every measurement with its bounds. */
export function verdictLines(verdict: Verdict): string[] {
  const { holds, checks } = verdict;
  return [
    `expected ${expectedText(verdict)}: ${holds ? 'holds' : 'does not hold'}`,
    ...tableLines([
      ['', 'measured', 'at least', 'at most', 'holds', 'at'],
      ...checks.map((check) => [
        nameOf(check),
        short(check.measured),
        boundText(check.atLeast),
        boundText(check.atMost),
        check.holds ? 'yes' : 'no',
        check.at === undefined || check.measured === 0 ? '' : timeText(check.at),
      ]),
    ]),
  ];
}

/** The checks that failed, as a sentence; undefined if all hold. */
export function verdictFailure(verdict: Verdict): string | undefined {
  if (verdict.holds) return undefined;
  const failed = verdict.checks.filter(({ holds }) => !holds).map(failureText);
  return `the traffic is not ${expectedText(verdict)}: ${failed.join('; ')}`;
}

function expectedText({ expect, rate }: Verdict): string {
  return rate === undefined ? expect : `${expect}, ${short(rate)}/s`;
}

function failureText(check: Check): string {
  const { measured, atLeast, atMost, at } = check;
  const when = at === undefined ? '' : ` at ${timeText(at)}`;
  const isLow = atLeast !== undefined && measured < atLeast;
  const wanted = isLow ? `at least ${short(atLeast)}` : `at most ${boundText(atMost)}`;
  return `${nameOf(check)} ${short(measured)}${when}, want ${wanted}`;
}

function nameOf({ check, windowMs = 0 }: Check): string {
  switch (check) {
    case 'dispersion':
      return `dispersion at ${windowMs < 1_000 ? `${windowMs} ms` : `${windowMs / 1_000} s`}`;
    case 'longestGapMs':
      return 'longest gap, ms';
    case 'largestWindow':
      return 'messages in 10 ms';
    case 'rate':
      return 'messages a second';
  }
}

function boundText(bound: number | undefined): string {
  return bound === undefined ? '' : short(bound);
}
