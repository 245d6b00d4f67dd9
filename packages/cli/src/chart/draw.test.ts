import { stripVTControlCharacters } from 'node:util';
import { min, ms10, sec } from '@reto3/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColumnGatherer } from './columns.ts';
import { drawChart, plotColumns } from './draw.ts';

const start = Date.UTC(2016, 4, 28, 11, 11, 11);
const canvas = { columns: 60, lines: 9, colours: false };
const gap = Number.NaN;
const whole = { windowsEach: 1, partial: new Set<number>() };

test('counts become a line over an axis with times', () => {
  const highest = [0, 2, 4, 4, 2, 0, 5, 0, 1, 1];
  expect(drawChart({ ...whole, start, highest }, sec, canvas)).toMatchInlineSnapshot(`
    [
      "messages in 1 s, 2016-05-28 11:11:11 to 11:11:21 UTC",
      "  5 ┤                                ╭────╮",
      "  4 ┤          ╭──────────╮          │    │",
      "  3 ┤          │          │          │    │",
      "  2 ┤    ╭─────╯          ╰────╮     │    │",
      "  1 ┤    │                     │     │    │     ╭───────────",
      "  0 ┤────╯                     ╰─────╯    ╰─────╯",
      "    └─────┬──────────┬──────────┬──────────┬──────────┬─────",
      "          11:11:12   11:11:14   11:11:16   11:11:18",
    ]
  `);
});

test('a gap is left out, and a window alone between gaps is not', () => {
  const highest = [gap, 3, 3, gap, gap, 1, gap, 0];
  expect(drawChart({ ...whole, start, highest }, sec, canvas)).toMatchInlineSnapshot(`
    [
      "messages in 1 s, 2016-05-28 11:11:11 to 11:11:19 UTC",
      "  3 ┤       ──────────────",
      "  2 ┤",
      "  1 ┤                                  ───────",
      "  0 ┤                                                ───────",
      "    └───────┬─────────────┬────────────┬─────────────┬──────",
      "            11:11:12      11:11:14     11:11:16",
    ]
  `);
});

test('partial windows are marked on the axis and mentioned', () => {
  const highest = [1, 3, 3, 3, gap, 2, 3, 3];
  const partial = new Set([0, 3, 5]);
  expect(
    drawChart({ start, windowsEach: 1, highest, partial }, sec, canvas),
  ).toMatchInlineSnapshot(`
    [
      "messages in 1 s, 2016-05-28 11:11:11 to 11:11:19 UTC; ╌ counted in part",
      "  3 ┤      ╭────────────────────             ╭──────────────",
      "  2 ┤      │                           ──────╯",
      "  1 ┤──────╯",
      "  0 ┤",
      "    └╌╌╌╌╌╌╌┬─────────────╌╌╌╌╌╌───────╌╌╌╌╌╌╌───────┬──────",
      "            11:11:12      11:11:14     11:11:16",
    ]
  `);
});

test('times of a day or more have their date, and the title tells how much a column covers', () => {
  const highest = Array.from({ length: 48 }, (_, hour) => hour * 100);
  expect(
    drawChart({ ...whole, start, windowsEach: 60, highest }, min, canvas),
  ).toMatchInlineSnapshot(`
    [
      "messages in 1 min (highest of 60), 2016-05-28 11:11:11 to 2016-05-30 11:11:11 UTC",
      "5000 ┤                                                  ╭───",
      "4000 ┤                                      ╭───────────╯",
      "3000 ┤                           ╭──────────╯",
      "2000 ┤                ╭──────────╯",
      "1000 ┤     ╭──────────╯",
      "   0 ┤─────╯",
      "     └─┬────────────┬─────────────┬────────────┬────────────",
      "       05-28 12:00  05-29 00:00   05-29 12:00  05-30 00:00",
    ]
  `);
});

test.each([60, 95, 100, 101])('%i windows fill a terminal of 100 columns', (windows) => {
  const wide = { ...canvas, columns: 100 };
  const most = plotColumns(wide, 9);
  const gathered = new ColumnGatherer(sec.windowMs);
  for (let at = 0; at < windows; at++) gathered.add(start + at * sec.windowMs, at % 10);
  const columns = gathered.columns(most);
  if (columns === undefined) throw new Error('got no columns');
  const axis = drawChart(columns, sec, wide).at(-2);
  expect(axis).toMatch(/^ {4}└[─┬]{95}$/);
});

test('nothing but zeros is a line on the ground', () => {
  const highest = [0, 0, 0];
  expect(drawChart({ ...whole, start, highest }, ms10, canvas)).toMatchInlineSnapshot(`
    [
      "messages in 10 ms, 2016-05-28 11:11:11.000 to 11:11:11.030 UTC",
      "  1 ┤",
      "  0 ┤────────────────────────",
      "    └┬───────────────┬───────",
      "     11:11:11.000    11:11:11.020",
    ]
  `);
});

const columns = fc.array(fc.oneof(fc.nat({ max: 1e7 }), fc.constant(gap)), {
  minLength: 1,
  maxLength: 400,
});

test('a chart fits its canvas, and marks exactly the counted columns', () => {
  fc.assert(
    fc.property(
      columns,
      fc.integer({ min: 40, max: 200 }),
      fc.integer({ min: 6, max: 60 }),
      (counts, width, lines) => {
        const small = { columns: width, lines, colours: false };
        const highest = counts.slice(
          0,
          plotColumns(small, Math.max(0, ...counts.filter((count) => count >= 0))),
        );
        const [, ...drawn] = drawChart({ ...whole, start, windowsEach: 3, highest }, sec, small);
        expect(drawn.length).toBeLessThan(lines);
        for (const line of drawn) expect(line.length).toBeLessThanOrEqual(width);
        const plotted = drawn.slice(0, -2);
        const margin = plotted[0]?.search(/[┤┼]/) ?? 0;
        const room = width - margin - 1;
        const chars = Math.min(room, highest.length * 8);
        expect(drawn.at(-2)?.length).toBe(margin + 1 + chars);
        for (const [column, count] of highest.entries()) {
          const char = Math.ceil((column * chars) / highest.length - 0.5);
          const marks = plotted.filter((line) => (line[margin + 1 + char] ?? ' ') !== ' ');
          expect(marks.length > 0).toBe(!Number.isNaN(count));
        }
      },
    ),
    // A label of one character, which asciichart pads to three.
    { examples: [[[gap, gap, gap, gap, gap, gap], 40, 6]] },
  );
});

test('colours appear only on request', () => {
  const chart = { ...whole, start, highest: [1, 2, 3] };
  const plain = drawChart(chart, sec, canvas).join('\n');
  const coloured = drawChart(chart, sec, { ...canvas, colours: true }).join('\n');
  const ansi = '\u001b[';
  expect(plain).not.toContain(ansi);
  expect(coloured).toContain(ansi);
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});
