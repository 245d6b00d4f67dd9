/** What reading a log found, as lines for people. */
import { momentText, quantity, timeText } from '@reto3/core';
import { skippedText } from './examples.ts';
import { durationText, type LogSummary } from './log-summary.ts';

/** Every log with several writers is a little out of order. */
const notableStepMs = 2_000;

/** The first line says what was counted; the others warn. */
export function summaryLines(log: LogSummary): string[] {
  const { name, format, wrapper, moment, resolutionMs, lines, messages, spans } = log;
  const { skipped, known } = log;
  const inside = wrapper === undefined ? '' : ` (in ${wrapper})`;
  const [first] = spans;
  const last = spans.at(-1);
  const range = first && last ? `, ${timeText(first.from)} to ${timeText(last.to)}` : '';
  return [
    `${name}: ${format.title}${inside}, ${momentText(moment)}, clock ${durationText(resolutionMs)}; ` +
      `${quantity(lines, 'line')} = ${quantity(messages, 'message')} + ${skipped} skipped${known === 0 ? '' : ` + ${known} known`}${range}`,
    ...skippedLines(log),
    ...warnings(log),
    ...hiddenLines(log),
  ];
}

function skippedLines({ name, reasons, examples }: LogSummary): string[] {
  if (reasons.size === 0) return [];
  const counts = [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ');
  return [
    `${name}: skipped: ${counts}`,
    ...examples.map(
      ({ line, reason, text }) => `${name}: line ${line} has ${skippedText(reason, text)}`,
    ),
  ];
}

function warnings(log: LogSummary): string[] {
  const { name, format, otherFormat, assumesUtc, withoutDuration, future, stepBackMs, spans } = log;
  return [
    assumesUtc ? `${name}: its times name no zone, and are read as UTC; --zone names another` : '',
    otherFormat === undefined
      ? ''
      : `${name}: has two formats; lines in the other (${otherFormat}) are not counted; choose with --log-format`,
    withoutDuration === 0
      ? ''
      : `${name}: ${quantity(withoutDuration, 'message')} without a duration, counted by the ${format.moment}`,
    future === 0
      ? ''
      : `${name}: ${quantity(future, 'message')} ${future === 1 ? 'lies' : 'lie'} in the future`,
    spans.length === 1
      ? ''
      : `${name}: is silent for more than a day in ${quantity(spans.length - 1, 'place')}, which ${spans.length === 2 ? 'is a gap' : 'are gaps'}`,
    stepBackMs <= notableStepMs
      ? ''
      : `${name}: its times step back by up to ${durationText(stepBackMs)}; each message is counted in the window of its own time`,
  ].filter((line) => line !== '');
}

function hiddenLines({ name, hidden = [] }: LogSummary): string[] {
  return hidden.map(
    ({ period, messages, from, to }) =>
      `${name}: ${quantity(messages, 'message')} from ${timeText(from)} to ${timeText(to)} ${messages === 1 ? 'is' : 'are'} not shown in ${period}, because retention has deleted that time; import the log into another --data-dir to see all`,
  );
}
