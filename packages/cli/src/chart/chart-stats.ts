/** Runs `reto3 stats --chart`: draws the windows that `reto3 stats` lists. */

import { follow } from '@reto3/client';
import {
  countedRows,
  type FormatName,
  type PeriodName,
  periods,
  Reto3Error,
  startsOf,
} from '@reto3/core';
import {
  type Asked,
  type CountsSource,
  damageNotes,
  scopeOf,
  serverToFollow,
  writeAnswer,
} from '../answers.ts';
import { Contact } from '../contact.ts';
import { windowSink } from '../row-sink.ts';
import { Notes } from '../terminal/notes.ts';
import { type Canvas, canvasOf, onScreen } from '../terminal/screen.ts';
import { drawOn } from '../terminal/standard-streams.ts';
import { ColumnGatherer } from './columns.ts';
import { drawChart, plotColumns } from './draw.ts';

/** A chart among other output need not fill a tall terminal. */
const maxLines = 20;
/** A smaller chart is unreadable. */
const minLines = 6;
/** The number of windows to draw: a minute of ms10. Every redraw reads them all. */
const maxFollowed = 6_000;
/** Faster changes would be invisible. */
const redrawMs = 100;

/** @throws Reto3Error RETO3_BAD_FORMAT, RETO3_BAD_RANGE, and what the source throws */
export async function chartStats(
  period: PeriodName,
  source: CountsSource,
  asked: Asked & { readonly follow?: boolean | undefined },
  format: FormatName,
): Promise<void> {
  if (format !== 'text') {
    throw new Reto3Error(
      'RETO3_BAD_FORMAT',
      `got --chart with --format ${format}, want one of them`,
      { hint: 'omit one of the two' },
    );
  }
  if (asked.follow) return followChart(period, source, asked);
  const gathered = new ColumnGatherer(periods[period].windowMs);
  const draw = (): void => {
    const canvas = canvasOf(process.stdout);
    const lines = Math.max(minLines, Math.min(maxLines, canvas.lines - 1));
    for (const line of linesOf(gathered, period, { ...canvas, lines }))
      drawOn(process.stdout, `${line}\n`);
  };
  try {
    await writeAnswer(
      source,
      { ...asked, period, format: 'ndjson' },
      windowSink((start, count, partial) => gathered.add(start, count, partial)),
    );
  } finally {
    // The chart of intact windows comes before the error about damaged ones.
    draw();
  }
}

function linesOf(gathered: ColumnGatherer, period: PeriodName, canvas: Canvas): string[] {
  const columns = gathered.columns(plotColumns(canvas, gathered.highest));
  return columns === undefined ? [] : drawChart(columns, periods[period], canvas);
}

/** Draws the newest windows as they become final; the requested range moves with them. */
async function followChart(period: PeriodName, source: CountsSource, asked: Asked): Promise<void> {
  const api = serverToFollow(source, asked);
  if (!process.stdout.isTTY) {
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --chart with --follow, which needs a terminal', {
      hint: 'omit one of the two, or run it in a terminal',
    });
  }
  const { windowMs, defaultLast } = periods[period];
  const recent = new Map<number, { readonly count: number; readonly partial: boolean }>();
  const take = (start: number, count: number, partial: boolean): void =>
    void recent.set(start, { count, partial });
  const notes = new Notes();
  const onMissing = damageNotes(period, notes.say);
  const to = await writeAnswer(
    source,
    { ...asked, period, format: 'ndjson', onMissing, isMomentSaid: true },
    windowSink(take),
  );
  const asMany = asked.last === undefined ? Math.max(recent.size, defaultLast) : Number(asked.last);
  const keptMs = Math.min(asMany, maxFollowed) * windowMs;
  const keepFrom = (oldest: number): void => {
    for (const start of recent.keys()) if (start < oldest) recent.delete(start);
  };
  keepFrom(Number(to) - keptMs);
  const draw = (canvas: Canvas): string[] => {
    const gathered = new ColumnGatherer(windowMs);
    for (const [start, { count, partial }] of recent) gathered.add(start, count, partial);
    const lines = canvas.lines - 1 - notes.lines.length;
    return [...linesOf(gathered, period, { ...canvas, lines }), ...notes.lines];
  };
  await onScreen(draw, async (redraw) => {
    const timer = setInterval(redraw, redrawMs);
    try {
      const contact = new Contact(api.url, notes.say);
      for await (const chunk of follow(api, periods[period], to, scopeOf(asked), contact)) {
        onMissing(chunk);
        const partial = new Set(startsOf('partial', chunk, periods[period]));
        for (const [start, count] of countedRows(chunk, periods[period]))
          take(start, count, partial.has(start));
        keepFrom(chunk.start + chunk.windows.counts.length * windowMs - keptMs);
      }
    } finally {
      clearInterval(timer);
    }
  });
}
