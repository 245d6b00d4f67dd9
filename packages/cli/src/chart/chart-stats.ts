/** What `reto3 stats --chart` does: the same windows as without it, drawn. */

import { follow } from '@reto3/client';
import { countedRows, type FormatName, type PeriodName, periods, Reto3Error } from '@reto3/core';
import {
  type Asked,
  type CountsSource,
  sayingMissing,
  serverToFollow,
  whoseOf,
  writeAnswer,
} from '../answers.ts';
import { Contact } from '../contact.ts';
import { takingRows } from '../taking-rows.ts';
import { Notes } from '../terminal/notes.ts';
import { type Canvas, canvasOf, onScreen } from '../terminal/screen.ts';
import { drawOn } from '../terminal/standard-streams.ts';
import { ColumnGatherer } from './columns.ts';
import { drawChart, plotColumns } from './draw.ts';

/** A chart among other output need not fill a tall terminal. */
const mostLines = 20;
/** Below this nobody could read it. */
const leastLines = 6;
/** Each is looked at for every redraw; a minute of ms10. */
const mostFollowed = 6_000;
/** Live redraws: as often as an eye follows. */
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
      `got --chart with format ${format}, which it cannot have`,
      { hint: 'leave out one of them' },
    );
  }
  if (asked.follow) return followChart(period, source, asked);
  const gathered = new ColumnGatherer(periods[period].windowMs);
  const draw = (): void => {
    const canvas = canvasOf(process.stdout);
    const lines = Math.max(leastLines, Math.min(mostLines, canvas.lines - 1));
    for (const line of linesOf(gathered, period, { ...canvas, lines }))
      drawOn(process.stdout, `${line}\n`);
  };
  try {
    await writeAnswer(
      source,
      { ...asked, period, format: 'ndjson' },
      takingRows((start, count) => gathered.add(start, count)),
    );
  } finally {
    // What is damaged is said after what is not.
    draw();
  }
}

function linesOf(gathered: ColumnGatherer, period: PeriodName, canvas: Canvas): string[] {
  const columns = gathered.columns(plotColumns(canvas, gathered.highest));
  return columns === undefined ? [] : drawChart(columns, periods[period], canvas);
}

/** Draws the newest windows as they become final; the range that was asked for moves with them. */
async function followChart(period: PeriodName, source: CountsSource, asked: Asked): Promise<void> {
  const api = serverToFollow(source, asked);
  if (!process.stdout.isTTY) {
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --chart with --follow, and no terminal', {
      hint: 'leave out one of them, or run it in a terminal',
    });
  }
  const { windowMs, defaultLast } = periods[period];
  const recent = new Map<number, number>();
  const take = (start: number, count: number): void => void recent.set(start, count);
  const notes = new Notes();
  const onMissing = sayingMissing(period, notes.say);
  const to = await writeAnswer(
    source,
    { ...asked, period, format: 'ndjson', onMissing },
    takingRows(take),
  );
  const asMany = asked.last === undefined ? Math.max(recent.size, defaultLast) : Number(asked.last);
  const keptMs = Math.min(asMany, mostFollowed) * windowMs;
  const keepFrom = (oldest: number): void => {
    for (const start of recent.keys()) if (start < oldest) recent.delete(start);
  };
  keepFrom(Number(to) - keptMs);
  const draw = (canvas: Canvas): string[] => {
    const gathered = new ColumnGatherer(windowMs);
    for (const [start, count] of recent) gathered.add(start, count);
    const lines = canvas.lines - 1 - notes.lines.length;
    return [...linesOf(gathered, period, { ...canvas, lines }), ...notes.lines];
  };
  await onScreen(draw, async (redraw) => {
    const timer = setInterval(redraw, redrawMs);
    try {
      const contact = new Contact(api.url, notes.say);
      for await (const chunk of follow(api, periods[period], to, whoseOf(asked), contact)) {
        onMissing(chunk);
        for (const [start, count] of countedRows(chunk, periods[period])) take(start, count);
        keepFrom(chunk.start + chunk.windows.counts.length * windowMs - keptMs);
      }
    } finally {
      clearInterval(timer);
    }
  });
}
