/**
 * The line: messages per window over time, with gaps, the mean and the largest window. uPlot draws;
 * here is what it draws, and what the pointer means.
 */
import uPlot from 'uplot';
import { roundUp, timeTicks } from './axis.ts';
import { hatch } from './hatch.ts';
import type { Gap, Series } from './series.ts';
import type { Summary } from './summary.ts';
import { compactText, lengthText, tickText, wholeText } from './text.ts';
import type { Palette } from './theme.ts';
import type { Range } from './view.ts';

export interface Picture {
  readonly series: Series;
  readonly range: Range;
  readonly summary: Summary;
}

export interface ChartEvents {
  /** A range was drawn with the mouse. */
  selected(range: Range): void;
  /** The pointer stands at a time, or has left. */
  pointed(time: number | undefined): void;
}

const fontPx = 12;
/** The heat map leaves the same room on its left, so that a time is above itself. */
export const axisPx = 52;
const heightPx = 280;
/** Windows at least this wide are drawn as the steps that they are. */
const stepFromPx = 2;

const stepped = uPlot.paths.stepped?.({ align: 1 });
const linear = uPlot.paths.linear?.();

export class Chart {
  readonly #plot: uPlot;
  readonly #events: ChartEvents;
  #palette: Palette;
  #picture: Picture | undefined;
  #gaps: readonly Gap[] = [];
  #most = 4;
  /** While the mouse holds the chart, it stands still under it. */
  #held = false;

  constructor(container: HTMLElement, palette: Palette, events: ChartEvents) {
    this.#palette = palette;
    this.#events = events;
    this.#plot = new uPlot(this.#options(container.clientWidth), [[], []], container);
    this.#plot.over.addEventListener('mousedown', () => {
      this.#held = true;
    });
    addEventListener('mouseup', () => {
      this.#held = false;
    });
    this.#plot.over.addEventListener('mouseleave', () => events.pointed(undefined));
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

  /** Time at a horizontal place of the page. */
  timeAt(clientX: number): number {
    return this.#plot.posToVal(clientX - this.area.left, 'x');
  }

  draw(picture: Picture): void {
    if (this.#held) return;
    const { series, range, summary } = picture;
    const { windowMs } = series.period;
    this.#picture = picture;
    this.#gaps = series.gapsIn(range);
    this.#most = roundUp((summary.peak?.count ?? 0) * 1.08);
    // None beyond the left edge: it would be drawn there, and is in no figure of the view.
    const first = series.indexOf(range.from);
    const end = series.indexOf(range.to);
    const starts = series.starts.slice(first, end);
    const counts = series.counts.slice(first, end);
    const [lastStart, lastCount] = [starts.at(-1), counts.at(-1)];
    if (lastStart !== undefined && lastCount !== undefined) {
      starts.push(lastStart + windowMs);
      counts.push(lastCount);
    }
    this.#plot.batch(() => {
      this.#plot.setData([starts, counts], false);
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
    return {
      width,
      height: heightPx,
      legend: { show: false },
      padding: [18, 8, 0, 0],
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
        {
          stroke: () => this.#palette.line,
          fill: () => this.#palette.fill,
          width: 1.25,
          points: { show: false },
          paths: (plot, ...rest) => {
            const build = this.#windowPx(plot) >= stepFromPx ? stepped : linear;
            return build?.(plot, ...rest) ?? null;
          },
          gaps: (plot) =>
            this.#gaps.map(({ from, to }) => [
              Math.round(plot.valToPos(from, 'x', true)),
              Math.round(plot.valToPos(to, 'x', true)),
            ]),
        },
      ],
      hooks: {
        drawClear: [(plot) => this.#drawGaps(plot)],
        draw: [(plot) => this.#drawGapLabels(plot), (plot) => this.#drawMarks(plot)],
        setSelect: [(plot) => this.#select(plot)],
        setCursor: [(plot) => this.#point(plot)],
      },
    };
  }

  #windowPx(plot: uPlot): number {
    const { min = 0, max = 1 } = plot.scales['x'] ?? {};
    const windowMs = this.#picture?.series.period.windowMs ?? 1;
    return (plot.over.clientWidth * windowMs) / Math.max(max - min, 1);
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 4) return;
    const range = { from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') };
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#held = false;
    this.#events.selected({ from: Math.round(range.from), to: Math.round(range.to) });
  }

  #point(plot: uPlot): void {
    const { left } = plot.cursor;
    if (left === undefined || left < 0) return;
    this.#events.pointed(plot.posToVal(left, 'x'));
  }

  #drawGaps({ ctx, bbox, valToPos }: uPlot): void {
    for (const gap of this.#gaps) {
      const left = Math.max(valToPos(gap.from, 'x', true), bbox.left);
      const right = Math.min(valToPos(gap.to, 'x', true), bbox.left + bbox.width);
      ctx.save();
      ctx.fillStyle = hatch(ctx, gap.damaged ? this.#palette.damaged : this.#palette.gap);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.restore();
    }
  }

  /** Over the grid, so that it does not run through the words. */
  #drawGapLabels({ ctx, bbox, valToPos }: uPlot): void {
    ctx.save();
    for (const gap of this.#gaps) {
      const left = Math.max(valToPos(gap.from, 'x', true), bbox.left);
      const right = Math.min(valToPos(gap.to, 'x', true), bbox.left + bbox.width);
      this.#setFont(ctx);
      const length = lengthText(gap.to - gap.from);
      const padding = 16 * devicePixelRatio;
      const text = [`${gap.damaged ? 'damaged' : 'not counted'} · ${length}`, length].find(
        (each) => ctx.measureText(each).width + padding < right - left,
      );
      if (text !== undefined) {
        const width = ctx.measureText(text).width + padding;
        const middle = (left + right) / 2;
        const centre = bbox.top + bbox.height / 2;
        ctx.fillStyle = this.#palette.panel;
        ctx.fillRect(
          middle - width / 2,
          centre - 12 * devicePixelRatio,
          width,
          24 * devicePixelRatio,
        );
        ctx.fillStyle = this.#palette.muted;
        ctx.textAlign = 'center';
        ctx.textBaseline = 'middle';
        ctx.fillText(text, middle, centre);
      }
    }
    ctx.restore();
  }

  #drawMarks({ ctx, bbox, valToPos }: uPlot): void {
    const summary = this.#picture?.summary;
    if (summary?.peak === undefined || summary.messages === 0) return;
    const { peak, mean } = summary;
    const right = bbox.left + bbox.width;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width + 8 * devicePixelRatio, bbox.top + bbox.height);
    ctx.clip();

    const meanY = Math.round(valToPos(mean, 'y', true)) + 0.5;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    // A rim in the colour of the panel, so that it is seen over the line and what it fills as well.
    const [rim, line] = [this.#palette.panel, this.#palette.text];
    for (const [colour, width] of [[rim, 3.5] as const, [line, 1.5] as const]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(bbox.left, meanY);
      ctx.lineTo(right, meanY);
      ctx.stroke();
    }
    ctx.setLineDash([]);

    const windowMs = this.#picture?.series.period.windowMs ?? 0;
    const x = valToPos(
      peak.start + (this.#windowPx(this.#plot) >= stepFromPx ? windowMs / 2 : 0),
      'x',
      true,
    );
    const y = valToPos(peak.count, 'y', true);
    const radius = 3.5 * devicePixelRatio;
    ctx.fillStyle = this.#palette.mark;
    ctx.strokeStyle = this.#palette.panel;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    this.#setFont(ctx, 600);
    const text = wholeText(peak.count);
    const beside = x + radius * 2.2;
    const fits = beside + ctx.measureText(text).width < right;
    ctx.textAlign = fits ? 'left' : 'right';
    ctx.textBaseline = 'middle';
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = 'round';
    ctx.strokeText(text, fits ? beside : x - radius * 2.2, y);
    ctx.fillText(text, fits ? beside : x - radius * 2.2, y);
    ctx.restore();
  }

  #setFont(ctx: CanvasRenderingContext2D, weight = 400): void {
    ctx.font = `${weight} ${fontPx * devicePixelRatio}px "Inter Variable", system-ui, sans-serif`;
  }
}

function ticks(plot: uPlot, min: number, max: number): ReturnType<typeof timeTicks> {
  return timeTicks(min, max, plot.over.clientWidth);
}
