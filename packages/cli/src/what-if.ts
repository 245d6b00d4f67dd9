/** Runs `reto3 whatif`: prints the simulated queue and the token buckets. */

import type { WhatIf } from '@reto3/client/answers';
import { quantity, timeText } from '@reto3/core';
import { askAnalysis, type Layout, percent, print, rangeLine, short } from './analysis.ts';
import { countsSourceOf } from './answers.ts';
import { analysisFormats, formatOf, type Given, type whatIfFlags } from './flags.ts';
import { tableLines } from './terminal/table.ts';

/** @throws Reto3Error RETO3_BAD_FORMAT, and what `askAnalysis` throws */
export async function askWhatIf(given: Given<typeof whatIfFlags>): Promise<void> {
  const format = formatOf(analysisFormats, 'text', given);
  const { capacity, rates, last, from, to, open, cluster, node } = given;
  const source = countsSourceOf(given);
  const answer = await askAnalysis(source, {
    path: '/v1/whatif',
    query: { last, from, to, open, cluster, node, capacity, rates },
    make: async (series) => {
      const { whatIf } = await import('@reto3/engine');
      return whatIf(series, { capacity, rates });
    },
  });
  print(source, answer, format, layout);
}

const layout: Layout<WhatIf> = {
  lines: whatIfLines,
  columns: ['rate', 'burst'],
  rows: ({ curve }) => curve.map((point) => ({ ...point })),
};

/** In the order in which they are printed. */
const limitTitles = [
  ['nginx', 'nginx'],
  ['haproxy', 'haproxy'],
  ['envoy', 'Envoy'],
  ['istio', 'Istio'],
  ['traefik', 'Traefik'],
] as const;

function whatIfLines(answer: WhatIf): string[] {
  const { capacity, meanRate, peakRate, utilization, backlog, wait, delayed, curve, limits } =
    answer;
  const worst =
    backlog.max === 0
      ? 'none'
      : `${quantity(short(backlog.max), 'message')} at ${timeText(backlog.at)}, ${short(backlog.longestMs)} ms at most until empty`;
  return [
    rangeLine(answer),
    `${short(meanRate)}/s on average, ${short(peakRate)}/s in the largest 10 ms`,
    '',
    `a queue that serves ${capacity}/s, ${percent(utilization)} used`,
    `longest backlog  ${worst}`,
    `added wait       mean ${short(wait.mean)} ms, p50 ${short(wait.p50)} ms, p99 ${short(wait.p99)} ms, max ${short(wait.max)} ms; ${percent(delayed)} of the messages waited`,
    '',
    'token buckets that would have let everything pass, the smallest burst for each rate',
    ...tableLines([
      ['rate/s', 'burst'],
      ...curve.map(({ rate, burst }) => [String(rate), String(burst)]),
    ]),
    ...limitTitles.flatMap(([program, title]) => [
      '',
      `${title}, for ${capacity}/s`,
      ...limits[program].map((line) => `    ${line}`),
    ]),
  ];
}
