/** Runs `reto3 bursts`: prints the analysis, and fails above --fail-above or against --expect. */

import type { Bursts } from '@reto3/client/answers';
import { parseNumber, quantity, Reto3Error, timeText } from '@reto3/core';
import {
  askAnalysis,
  type Layout,
  largest,
  maxShown,
  percent,
  print,
  rangeLine,
  short,
} from './analysis.ts';
import { countsSourceOf } from './answers.ts';
import { exitCode } from './exit-code.ts';
import { analysisFormats, type burstsFlags, formatOf, type Given } from './flags.ts';
import { keysOf } from './keys.ts';
import { tableLines } from './terminal/table.ts';
import { verdictFailure, verdictLines } from './verdict.ts';
import { whoLines } from './who.ts';

const maxMessages = 1e9;
/**
 * @throws Reto3Error RETO3_CHECK_FAILED if the peak is above --fail-above or the traffic does not
 * meet --expect; RETO3_BAD_FORMAT; and what `askAnalysis` throws
 */
export async function bursts(given: Given<typeof burstsFlags>): Promise<void> {
  const format = formatOf(analysisFormats, 'text', given);
  const failAbove = given['fail-above'];
  const limit =
    failAbove === undefined ? undefined : parseNumber('fail-above', failAbove, 0, maxMessages);
  const { last, from, to, open, cluster, node, rise, fall, stall, expect, rate, who } = given;
  if (who !== undefined && format === 'csv')
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --who with --format csv, which has no keys', {
      hint: 'choose text, json or ndjson',
    });
  const source = countsSourceOf(given);
  const answer = await askAnalysis(source, {
    path: '/v1/bursts',
    query: { last, from, to, open, cluster, node, rise, fall, stall, expect, rate, who },
    make: async (series, store) => {
      const { findBursts, nameCulprits } = await import('@reto3/engine');
      const found = await findBursts(series, { rise, fall, stall, expect, rate });
      if (who === undefined) return found;
      return nameCulprits(found, await keysOf(source, given, who, store));
    },
  });
  const peak = answer.scales[0]?.peak;
  const exceeded = limit !== undefined && peak !== undefined && peak.count > limit;
  const failures = [
    exceeded
      ? `${quantity(peak.count, 'message')} arrived in the 10 ms from ${timeText(peak.start)}, more than ${short(limit)}`
      : undefined,
    answer.verdict && verdictFailure(answer.verdict),
  ].filter((failure) => failure !== undefined);
  // Set before printing, so that a reader that leaves early (| head) cannot hide it.
  if (failures.length > 0) process.exitCode = exitCode.checkFailed;
  print(source, answer, format, layoutFor(who));
  if (failures.length === 0) return;
  throw new Reto3Error('RETO3_CHECK_FAILED', failures.join('; '), {
    hint: exceeded
      ? 'the output lists the bursts; raise --fail-above to accept them'
      : 'docs/bursts.md says what each bound means',
  });
}

/** @param who the key to break bursts down by, if any */
function layoutFor(who: string | undefined): Layout<Bursts> {
  return {
    lines: (answer) => [
      ...burstsLines(answer),
      ...(who === undefined ? [] : whoLines(answer, who)),
    ],
    columns: ['from', 'to', 'peak', 'total', 'share'],
    rows: ({ bursts }) => bursts.list.map((burst) => ({ ...burst })),
  };
}

function burstsLines(answer: Bursts): string[] {
  const { quantiles, thresholds, bursts, stalls, scales, beats, verdict } = answer;
  const { p50, p75, p90, p95, p99, p999 } = quantiles;
  const { rise, fall, stallMs } = thresholds;
  const counts = `p50 ${p50}, p75 ${p75}, p90 ${p90}, p95 ${p95}, p99 ${p99}, p99.9 ${p999}`;
  const burstTotals =
    bursts.count === 0 ? 'none' : `${bursts.count}, with ${percent(bursts.share)} of the messages`;
  const stallTotals = stalls.count === 0 ? 'none' : `${stalls.count}, ${stalls.ms} ms in total`;
  const stallText =
    stallMs === undefined
      ? 'too little traffic to tell'
      : `${stallMs} ms or more without a message, amid traffic: ${stallTotals}`;
  return [
    rangeLine(answer),
    '',
    ...(verdict === undefined ? [] : [...verdictLines(verdict), '']),
    ...tableLines([
      ['window', 'windows', 'mean', 'peak', 'peak at', 'peak/mean', 'dispersion'],
      ...scales.map(({ windowMs, windows, mean, peak, peakToMean, dispersion }) => [
        windowMs < 1_000 ? `${windowMs} ms` : `${windowMs / 1_000} s`,
        String(windows),
        short(mean),
        String(peak.count),
        windows === 0 ? '' : timeText(peak.start),
        short(peakToMean),
        // There is no variance of one window, and no dispersion of a mean of 0.
        windows < 2 || mean === 0 ? '' : short(dispersion),
      ]),
    ]),
    `counts in 10 ms: ${counts}`,
    '',
    `bursts, from ${quantity(short(rise), 'message')} in 10 ms until below ${short(fall)}: ${burstTotals}`,
    ...listed(bursts.count, 'with the most messages'),
    ...(bursts.count === 0
      ? []
      : tableLines([
          ['from', 'ms', 'peak', 'total', 'share'],
          ...largest(bursts.list, ({ total }) => total).map(({ from, to, peak, total, share }) =>
            [timeText(from), to - from, peak, total, percent(share)].map(String),
          ),
        ])),
    '',
    `stalls, ${stallText}`,
    ...listed(stalls.count, 'longest'),
    ...(stalls.count === 0
      ? []
      : tableLines([
          ['from', 'ms'],
          ...largest(stalls.list, ({ from, to }) => to - from).map(({ from, to }) => [
            timeText(from),
            String(to - from),
          ]),
        ])),
    '',
    ...(beats.length === 0 ? ['beats: none'] : beats.map(beatLine)),
  ];
}

function beatLine({ periodMs, at, confidence }: Bursts['beats'][number]): string {
  // Never prints 100 %, because certainty is impossible.
  const sure = Math.min(confidence, 0.999_999) * 100;
  const period = `${short(periodMs / 1_000)} s`;
  return `beats: every ${period}, one of them at ${timeText(at)}, confidence ${sure.toFixed(4)} %`;
}

function listed(count: number, which: string): string[] {
  return count > maxShown ? [`the ${maxShown} ${which}:`] : [];
}
