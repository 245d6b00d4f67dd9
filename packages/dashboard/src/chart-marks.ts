/**
 * Draws gaps, mean, peaks, bursts and stalls on the chart, above or below its line. Each has its
 * own colour and its own shape, and either suffices to tell them apart.
 */
import type uPlot from 'uplot';
import type { Band } from './band.ts';
import { lengthText, wholeText } from './format.ts';
import { hatch } from './hatch.ts';
import type { Gap } from './series.ts';
import type { Summary } from './summary.ts';
import type { Palette } from './theme.ts';
import type { Range } from './view.ts';

/** The bursts, stalls and beats to mark. */
export interface Marks {
  readonly bursts: readonly Range[];
  readonly stalls: readonly Range[];
  /** For the heat map. */
  readonly beats: readonly { readonly periodMs: number; readonly at: number }[];
}

export const fontPx = 12;
/** Space above the plot for the triangles of bursts. */
export const marksPx = 18;
const trianglePx = 9;
const stallPx = 5;

/** Draws on the chart's canvas, in device pixels. */
export class Pen {
  readonly #plot: uPlot;
  readonly #palette: Palette;

  constructor(plot: uPlot, palette: Palette) {
    this.#plot = plot;
    this.#palette = palette;
  }

  gaps(gaps: readonly Gap[]): void {
    const { ctx, bbox } = this.#plot;
    ctx.save();
    for (const gap of gaps) {
      const [left, right] = this.#ends(gap);
      const colour = gap.damaged ? this.#palette.damaged : this.#palette.gap;
      ctx.fillStyle = hatch(ctx, colour, gap.damaged);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  /** Hatches partial windows like gaps, below their line. */
  partial(windows: readonly Range[]): void {
    this.gaps(windows.map((window) => ({ ...window, damaged: false })));
  }

  /** Drawn above the grid, so that no grid line crosses the text. */
  gapLabels(gaps: readonly Gap[]): void {
    const { ctx, bbox } = this.#plot;
    ctx.save();
    this.#setFont(400);
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    for (const gap of gaps) {
      const [left, right] = this.#ends(gap);
      const length = lengthText(gap.to - gap.from);
      const padding = 16 * devicePixelRatio;
      const text = [`${gap.damaged ? 'damaged' : 'not counted'} · ${length}`, length].find(
        (each) => ctx.measureText(each).width + padding < right - left,
      );
      if (text === undefined) continue;
      const width = ctx.measureText(text).width + padding;
      const middle = (left + right) / 2;
      const centre = bbox.top + bbox.height / 2;
      const half = 12 * devicePixelRatio;
      ctx.fillStyle = this.#palette.panel;
      ctx.fillRect(middle - width / 2, centre - half, width, 2 * half);
      ctx.fillStyle = gap.damaged ? this.#palette.damaged : this.#palette.muted;
      ctx.fillText(text, middle, centre);
    }
    ctx.restore();
  }

  /** Draws the largest window of each column, as a line from the top of the band to its count. */
  columnPeaks({ peaks, tops }: Band): void {
    const { ctx } = this.#plot;
    ctx.save();
    this.#clip();
    ctx.strokeStyle = this.#palette.line;
    ctx.lineWidth = 1.25 * devicePixelRatio;
    ctx.beginPath();
    for (const [index, { start, count }] of peaks.entries()) {
      const top = tops[index] ?? 0;
      if (count <= top) continue;
      const x = this.#x(start);
      ctx.moveTo(x, this.#y(top));
      ctx.lineTo(x, this.#y(count));
    }
    ctx.stroke();
    ctx.restore();
  }

  mean(mean: number): void {
    const { ctx, bbox } = this.#plot;
    const y = Math.round(this.#y(mean)) + 0.5;
    ctx.save();
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    // An outline in the colour of the panel keeps it visible above the line and its fill.
    const [rim, line] = [this.#palette.panel, this.#palette.text];
    for (const [colour, width] of [[rim, 3.5] as const, [line, 1.5] as const]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** @param at position of the dot in the window, in ms from its start */
  peak({ start, count }: NonNullable<Summary['peak']>, at: number): void {
    const { ctx, bbox } = this.#plot;
    const right = bbox.left + bbox.width;
    const [x, y] = [this.#x(start + at), this.#y(count)];
    const radius = 3.5 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width + 8 * devicePixelRatio, bbox.top + bbox.height);
    ctx.clip();
    ctx.fillStyle = this.#palette.peak;
    ctx.strokeStyle = this.#palette.panel;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    this.#setFont(600);
    const text = wholeText(count);
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

  /** Draws a triangle above each burst, and a bar on the axis for each stall. */
  marks({ bursts, stalls }: Marks): void {
    const { ctx, bbox } = this.#plot;
    const bottom = bbox.top + bbox.height;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width, bottom);
    ctx.clip();
    ctx.fillStyle = this.#palette.burst;
    const half = (trianglePx / 2) * devicePixelRatio;
    for (const { from, to } of bursts) {
      const [left, right] = [this.#x(from), this.#x(to)];
      if (right < bbox.left || left > bbox.left + bbox.width) continue;
      const middle = (left + right) / 2;
      const reach = Math.max(half, (right - left) / 2);
      const base = bbox.top - (marksPx - 4) * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(middle - reach, base);
      ctx.lineTo(middle + reach, base);
      // As wide as the burst; if that is too narrow, a triangle that points at it.
      ctx.lineTo(Math.max(middle, right - half), base + 1.5 * half);
      ctx.lineTo(Math.min(middle, left + half), base + 1.5 * half);
      ctx.fill();
    }
    ctx.fillStyle = this.#palette.stall;
    for (const { from, to } of stalls) {
      const left = this.#x(from);
      const width = Math.max(this.#x(to) - left, 3 * devicePixelRatio);
      ctx.fillRect(left, bottom - stallPx * devicePixelRatio, width, stallPx * devicePixelRatio);
    }
    ctx.restore();
  }

  #x(time: number): number {
    return this.#plot.valToPos(time, 'x', true);
  }

  #y(count: number): number {
    return this.#plot.valToPos(count, 'y', true);
  }

  #ends({ from, to }: Range): [left: number, right: number] {
    const { left, width } = this.#plot.bbox;
    return [Math.max(this.#x(from), left), Math.min(this.#x(to), left + width)];
  }

  #clip(): void {
    const { ctx, bbox } = this.#plot;
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
  }

  #setFont(weight: number): void {
    this.#plot.ctx.font = `${weight} ${fontPx * devicePixelRatio}px "Inter Variable", system-ui, sans-serif`;
  }
}
