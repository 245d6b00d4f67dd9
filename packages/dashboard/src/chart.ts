/**
 * The chart: messages per window over time, drawn by uPlot. Wide windows are drawn as steps;
 * narrower ones as a band with their median and peaks.
 */
import uPlot from 'uplot';
import { roundUp, timeTicks } from './axis.ts';
import { type Band, bandOf, columnMsFor } from './band.ts';
import { fontPx, type Marks, marksPx, Pen } from './chart-marks.ts';
import { compactText, tickText } from './format.ts';
import { linesOf, stepsOf } from './lines.ts';
import type { Gap, Series } from './series.ts';
import type { Summary } from './summary.ts';
import type { Palette } from './theme.ts';
import type { Range } from './view.ts';
import { offsetMs } from './zone.ts';

export interface Picture {
  readonly series: Series;
  readonly range: Range;
  readonly summary: Summary;
  readonly marks: Marks;
}

export interface ChartEvents {
  /** Called when the user selects a range with the mouse. */
  selected(range: Range): void;
  /** Called when the pointer moves or leaves; `pointed` has its time. */
  moved(): void;
}

/** The left margin, which the heat map shares so that equal times are aligned. */
export const axisPx = 52;
export const rightPx = 8;
const heightPx = 280;
/** Windows at least this wide are drawn as steps. */
const stepFromPx = 2;

const stepped = uPlot.paths.stepped?.({ align: 1 });

export class Chart {
  readonly #plot: uPlot;
  readonly #events: ChartEvents;
  #palette: Palette;
  #picture: Picture | undefined;
  #band: Band | undefined;
  #gaps: readonly Gap[] = [];
  #partial: readonly Range[] = [];
  #yMax = 4;
  /** The chart stands still while the mouse button is down. */
  #dragging = false;

  constructor(container: HTMLElement, palette: Palette, events: ChartEvents) {
    this.#palette = palette;
    this.#events = events;
    this.#plot = new uPlot(this.#options(container.clientWidth), [[], [], []], container);
    this.#plot.over.addEventListener('mousedown', ({ button }) => {
      // After the right button, the context menu may swallow `mouseup`.
      this.#dragging = button === 0;
    });
    addEventListener('mouseup', () => {
      this.#dragging = false;
    });
    this.#plot.over.addEventListener('mouseleave', () => events.moved());
    new ResizeObserver(() => {
      this.#plot.setSize({ width: container.clientWidth, height: heightPx });
    }).observe(container);
  }

  set palette(palette: Palette) {
    this.#palette = palette;
    this.#plot.redraw(true, true);
  }

  /** The rectangle of the plot in the page, without axes. */
  get area(): DOMRect {
    return this.#plot.over.getBoundingClientRect();
  }

  /** The element that receives pointer events. */
  get surface(): HTMLElement {
    return this.#plot.over;
  }

  /** The band; undefined if windows are wide enough for steps. */
  get band(): Band | undefined {
    return this.#band;
  }

  /** The time at a horizontal position in the page. */
  timeAt(clientX: number): number {
    return this.#plot.posToVal(clientX - this.area.left, 'x');
  }

  /** The time that is currently under the pointer; it changes as the chart moves. */
  get pointed(): number | undefined {
    const { left = -1 } = this.#plot.cursor;
    return left < 0 ? undefined : this.#plot.posToVal(left, 'x');
  }

  /** Position of a time and a count in the container, in CSS pixels. */
  placeOf(time: number, count: number): { readonly x: number; readonly y: number } {
    const { offsetLeft, offsetTop } = this.#plot.over;
    return {
      x: offsetLeft + this.#plot.valToPos(time, 'x'),
      y: offsetTop + this.#plot.valToPos(count, 'y'),
    };
  }

  draw(picture: Picture): void {
    if (this.#dragging) return;
    const { series, range, summary } = picture;
    const { windowMs } = series.period;
    this.#picture = picture;
    this.#gaps = series.gapsIn(range);
    this.#partial = series.partialIn(range);
    this.#yMax = roundUp((summary.peak?.count ?? 0) * 1.08);
    const width = this.#plot.over.clientWidth;
    const spanMs = range.to - range.from;
    const isWide = (width * windowMs) / spanMs >= stepFromPx;
    this.#band = isWide ? undefined : bandOf(series, range, columnMsFor(spanMs, width, windowMs));
    const data = this.#band === undefined ? stepsOf(series, range) : linesOf(this.#band, range);
    this.#plot.batch(() => {
      this.#plot.setData(data, false);
      this.#plot.setScale('x', { min: range.from, max: range.to });
    });
  }

  /** Moves the cursor to a time, as without a pointer. */
  point(time: number | undefined): void {
    const left = time === undefined ? -10 : this.#plot.valToPos(time, 'x');
    this.#plot.setCursor({ left, top: time === undefined ? -10 : 0 }, false);
  }

  #options(width: number): uPlot.Options {
    const font = `${fontPx}px "Inter Variable", system-ui, sans-serif`;
    const colours = {
      stroke: () => this.#palette.muted,
      grid: { stroke: () => this.#palette.grid, width: 1 },
      ticks: { show: false },
      font,
    };
    const gaps: uPlot.Series.GapsRefiner = (plot) =>
      this.#gaps.map(({ from, to }) => [
        Math.round(plot.valToPos(from, 'x', true)),
        Math.round(plot.valToPos(to, 'x', true)),
      ]);
    const paths: uPlot.Series.PathBuilder = (...asked) => stepped?.(...asked) ?? null;
    const line = { points: { show: false }, paths, gaps };
    return {
      width,
      height: heightPx,
      legend: { show: false },
      padding: [marksPx, rightPx, 0, 0],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => null },
      },
      scales: {
        x: { time: false },
        y: { range: () => [0, this.#yMax] },
      },
      axes: [
        {
          ...colours,
          size: 30,
          gap: 8,
          splits: (plot, _, min, max) => ticks(plot, min, max).at,
          values: (plot, at) => {
            const { min = 0, max = 1 } = plot.scales['x'] ?? {};
            const { stepMs } = ticks(plot, min, max);
            return at.map((time) => tickText(time, stepMs));
          },
        },
        {
          ...colours,
          size: axisPx,
          gap: 8,
          space: 34,
          incrs: [1, 2, 5]
            .flatMap((each) => Array.from({ length: 15 }, (_, at) => each * 10 ** at))
            .sort((a, b) => a - b),
          values: (_, at) => at.map(compactText),
        },
      ],
      series: [
        {},
        { ...line, stroke: 'transparent', width: 0 },
        { ...line, stroke: () => this.#palette.line, fill: () => this.#palette.fill, width: 1.25 },
      ],
      bands: [{ series: [1, 2], fill: () => this.#palette.band }],
      hooks: {
        drawClear: [(plot) => this.#drawUnder(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
        setSelect: [(plot) => this.#select(plot)],
        setCursor: [() => this.#events.moved()],
      },
    };
  }

  #pen(plot: uPlot): Pen {
    return new Pen(plot, this.#palette);
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 4) return;
    const range = { from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') };
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#dragging = false;
    this.#events.selected({ from: Math.round(range.from), to: Math.round(range.to) });
  }

  #drawUnder(plot: uPlot): void {
    const pen = this.#pen(plot);
    pen.gaps(this.#gaps);
    pen.partial(this.#partial);
  }

  #drawMarks(plot: uPlot): void {
    const pen = this.#pen(plot);
    if (this.#picture === undefined) return;
    const { summary, series, marks } = this.#picture;
    if (this.#band !== undefined) pen.columnPeaks(this.#band);
    pen.marks(marks);
    const hasMessages = summary.messages > 0;
    if (hasMessages) pen.mean(summary.mean);
    // After the mean, which would strike out a label.
    pen.gapLabels(this.#gaps);
    if (!hasMessages || summary.peak === undefined) return;
    pen.peak(summary.peak, this.#band === undefined ? series.period.windowMs / 2 : 0);
  }
}

function ticks(plot: uPlot, min: number, max: number): ReturnType<typeof timeTicks> {
  return timeTicks(min, max, plot.over.clientWidth, offsetMs);
}
