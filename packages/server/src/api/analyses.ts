/**
 * What the routes have in common that read a range of 10 ms windows as a whole: whose counts they
 * are, and that such questions take turns.
 */

import type { Cluster } from '@reto3/cluster';
import { ms10 } from '@reto3/core';
import { type Coordinator, openSeries, type Series, withRange } from '@reto3/engine';
import type { FastifyRequest } from 'fastify';
import type { LongReads } from './long-reads.ts';
import { isOn, type RangeQuery, type WhoseQuery } from './schemas.ts';
import { viewOf, whoseOf } from './scope.ts';
import { mostWindows } from './streamed.ts';

export interface AnalysisParts {
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly longReads: LongReads;
}

export interface AnalysisQuery extends RangeQuery, WhoseQuery {}

/**
 * @param work what becomes of each window, as in `workOf`
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE, RETO3_NO_CLUSTER, RETO3_BUSY, and what `make` throws
 */
export async function analyse<Answer>(
  request: FastifyRequest<{ Querystring: AnalysisQuery }>,
  parts: AnalysisParts,
  work: number,
  make: (series: Series) => Promise<Answer>,
): Promise<Answer> {
  const { last, from, to, open } = request.query;
  const whose = whoseOf(request.query);
  const asked = withRange({ last, from, to, open: isOn(open), ...whose });
  const nowMs = Date.now();
  return parts.longReads.run(request, mostWindows(ms10, asked, nowMs), async (reading) => {
    const view = reading.counts(viewOf(whose, parts), work);
    try {
      return await make(await openSeries(view, asked, nowMs, reading.signal));
    } finally {
      await view.store.close();
    }
  });
}
