/** Compares a server on a folder of a released version with what that version answered. */
import { type PeriodName, periodNames } from '@reto3/core';
import {
  above0,
  type ReleasedAnswers,
  type ReleasedCounts,
} from '@reto3/engine/src/testing/released-folder.ts';
import { expect } from 'vitest';
import { ask, askStats } from './api.ts';
import type { Server } from './server.ts';
import { countsOf } from './windows.ts';

/** @param more of the queries, such as the scope */
export async function expectReleased(
  { adminUrl }: Server,
  answers: ReleasedAnswers,
  more = '',
): Promise<void> {
  const everything = `from=0&open=true${more}`;
  const expectCounts = async (period: PeriodName, wanted: ReleasedCounts, node = '') => {
    const found = countsOf(await askStats(adminUrl, period, everything + node));
    const counts = Object.fromEntries(found);
    expect(counts, period + node).toMatchObject(wanted);
    expect(above0(counts), period + node).toEqual(above0(wanted));
  };
  for (const period of periodNames) await expectCounts(period, answers[period]);
  for (const [node, counts] of Object.entries(answers.nodes ?? {}))
    await expectCounts('sec', counts, `&node=${node}`);
  for (const [report, rows] of Object.entries(answers.reports)) {
    const query = `period=sec&${everything}`;
    const { rows: now } = await ask(adminUrl, `/v1/reports/${report}`, query);
    // Columns of later versions come after the release's.
    const released = now.map((row, index) => row.slice(0, rows[index]?.length));
    expect(released, report).toEqual(rows);
  }
}
