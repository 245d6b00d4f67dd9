/** Runs an analysis over a range of 10 ms windows, for the routes /v1/bursts and /v1/whatif. */

import type { TypeOf } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { ms10 } from '@reto3/core';
import { type Coordinator, openSeries, type Series, withRange } from '@reto3/engine';
import type { FastifyRequest } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import type { ReadContext } from './read-context.ts';
import { isEnabled, rangeParameters, selectorParameters } from './schemas.ts';
import { openView, selectorOf } from './scope.ts';
import { maxWindows } from './stream-answer.ts';

export interface AnalysisParts {
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly queryLimiter: QueryLimiter;
}

/** The parameters of every analysis. */
export const analysisParameters = {
  ...rangeParameters,
  last: {
    type: 'string',
    description: 'Only the newest N windows of 10 ms; 6000 by default',
  },
  ...selectorParameters,
} as const;

type AnalysisQuery = TypeOf<{
  readonly type: 'object';
  readonly properties: typeof analysisParameters;
}>;

/**
 * @param cost the cost of reading one window, as in `readCost`
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE, RETO3_NO_CLUSTER, RETO3_BUSY, and what `make`
 * throws
 */
export async function analyse<Answer>(
  request: FastifyRequest<{ Querystring: AnalysisQuery }>,
  parts: AnalysisParts,
  cost: number,
  make: (series: Series, context: ReadContext) => Promise<Answer>,
): Promise<Answer> {
  const { last, from, to, open } = request.query;
  const selector = selectorOf(request.query);
  const asked = withRange({ last, from, to, open: isEnabled(open), ...selector });
  const nowMs = Date.now();
  return parts.queryLimiter.run(request, maxWindows(ms10, asked, nowMs), async (context) => {
    const view = context.counts(openView(selector, parts), cost);
    try {
      return await make(await openSeries(view, asked, nowMs, context.signal), context);
    } finally {
      await view.store.close();
    }
  });
}
