/**
 * The chart: messages per window over time. Windows that are wide enough are drawn as steps, and
 * narrower ones as a band with their median and peaks. uPlot draws; here is what it draws, and what
 * the pointer means.
 */
import uPlot from 'uplot';
import { roundUp, timeTicks } from './axis.ts';
import { type Band, bandOf, columnMsFor } from './band.ts';
import { fontPx, type Marks, marksPx, Pen } from './chart-marks.ts';
import { linesOf, stepsOf } from './lines.ts';
import type { Gap, Series } from './series.ts';
import type { Summary } from './summary.ts';
import { compactText, tickText } from './text.ts';
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
  /** A range was drawn with the mouse. */
  selected(range: Range): void;
  /** The pointer moved, or has left; `pointed` has its time. */
  moved(): void;
}

/** The heat map leaves the same room on its left, so that a time is above itself. */
export const axisPx = 52;
export const rightPx = 8;
const heightPx = 280;
/** Windows at least this wide are drawn as the steps that they are. */
const stepFromPx = 2;

const stepped = uPlot.paths.stepped?.({ align: 1 });

export class Chart {
  readonly #plot: uPlot;
  readonly #events: ChartEvents;
  #palette: Palette;
  #picture: Picture | undefined;
  #band: Band | undefined;
  #gaps: readonly Gap[] = [];
  #most = 4;
  /** While the mouse holds the chart, it stands still under it. */
  #held = false;

  constructor(container: HTMLElement, palette: Palette, events: ChartEvents) {
    this.#palette = palette;
    this.#events = events;
    this.#plot = new uPlot(this.#options(container.clientWidth), [[], [], []], container);
    this.#plot.over.addEventListener('mousedown', () => {
      this.#held = true;
    });
    addEventListener('mouseup', () => {
      this.#held = false;
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

  /** Where the plot lies in the page, without its axes. */
  get area(): DOMRect {
    return this.#plot.over.getBoundingClientRect();
  }

  /** What takes the pointer. */
  get surface(): HTMLElement {
    return this.#plot.over;
  }

  /** What is drawn in place of single windows; undefined where each is a step. */
  get band(): Band | undefined {
    return this.#band;
  }

  /** Time at a horizontal place of the page. */
  timeAt(clientX: number): number {
    return this.#plot.posToVal(clientX - this.area.left, 'x');
  }

  /** The time under the pointer as the chart is now, also where it moved on below it. */
  get pointed(): number | undefined {
    const { left = -1 } = this.#plot.cursor;
    return left < 0 ? undefined : this.#plot.posToVal(left, 'x');
  }

  /** Where a time is in the container, in CSS pixels, and a count. */
  placeOf(time: number, count: number): { readonly x: number; readonly y: number } {
    const { offsetLeft, offsetTop } = this.#plot.over;
    return {
      x: offsetLeft + this.#plot.valToPos(time, 'x'),
      y: offsetTop + this.#plot.valToPos(count, 'y'),
    };
  }

  draw(picture: Picture): void {
    if (this.#held) return;
    const { series, range, summary } = picture;
    const { windowMs } = series.period;
    this.#picture = picture;
    this.#gaps = series.gapsIn(range);
    this.#most = roundUp((summary.peak?.count ?? 0) * 1.08);
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

  /** Puts the cursor on a time, from elsewhere than the pointer. */
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
        y: { range: () => [0, this.#most] },
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
        drawClear: [(plot) => this.#pen(plot).gaps(this.#gaps)],
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
    this.#held = false;
    this.#events.selected({ from: Math.round(range.from), to: Math.round(range.to) });
  }

  #drawMarks(plot: uPlot): void {
    const pen = this.#pen(plot);
    pen.gapLabels(this.#gaps);
    if (this.#picture === undefined) return;
    const { summary, series, marks } = this.#picture;
    if (this.#band !== undefined) pen.columnPeaks(this.#band);
    pen.marks(marks);
    if (summary.peak === undefined || summary.messages === 0) return;
    pen.mean(summary.mean);
    pen.peak(summary.peak, this.#band === undefined ? series.period.windowMs / 2 : 0);
  }
}

function ticks(plot: uPlot, min: number, max: number): ReturnType<typeof timeTicks> {
  return timeTicks(min, max, plot.over.clientWidth, offsetMs(max));
}
