/** Runs `reto3 stats`: prints, follows or draws windows. */
import { once } from 'node:events';
import {
  csvHeader,
  type FormatName,
  formatNames,
  formatRows,
  formatsWithoutMarks,
  type PeriodName,
  periods,
  startsOf,
} from '@reto3/core';
import {
  type Asked,
  type CountsSource,
  countsSourceOf,
  damageNotes,
  notePartial,
  scopeOf,
  serverToFollow,
  writeAnswer,
} from './answers.ts';
import { exitOnSignal } from './clean-up.ts';
import { Contact } from './contact.ts';
import { formatOf, type Given, type statsFlags } from './flags.ts';

/** @throws Reto3Error RETO3_BAD_FORMAT, RETO3_BAD_RANGE, and what the source throws */
export async function stats(period: PeriodName, given: Given<typeof statsFlags>): Promise<void> {
  const format = formatOf(formatNames, 'text', given);
  const source = countsSourceOf(given);
  if (given.follow) exitOnSignal();
  if (given.chart) {
    const { chartStats } = await import('./chart/chart-stats.ts');
    await chartStats(period, source, given, format);
  } else if (given.follow) await followStats(period, source, given, format);
  else await writeAnswer(source, { ...given, period, format }, process.stdout);
}

async function followStats(
  period: PeriodName,
  source: CountsSource,
  asked: Asked,
  format: FormatName,
): Promise<void> {
  const api = serverToFollow(source, asked);
  const rowFormat = format === 'json' ? 'ndjson' : format;
  const onMissing = damageNotes(period);
  let { from } = asked;
  if (asked.last !== undefined) {
    const newest = { ...asked, period, format: rowFormat, onMissing, isMomentSaid: true };
    from = await writeAnswer(source, newest, process.stdout);
  } else if (rowFormat === 'csv') process.stdout.write(csvHeader);
  const { follow } = await import('@reto3/client');
  for await (const chunk of follow(
    api,
    periods[period],
    from,
    scopeOf(asked),
    new Contact(api.url),
  )) {
    onMissing(chunk);
    if (formatsWithoutMarks.has(rowFormat))
      notePartial(period, { partial: startsOf('partial', chunk, periods[period]) });
    if (!process.stdout.write(formatRows(rowFormat, chunk, periods[period])))
      await once(process.stdout, 'drain');
  }
}
