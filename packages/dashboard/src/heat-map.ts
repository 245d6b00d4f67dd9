/**
 * The heat map: a column for each second (or another length: fold.ts), and in it a row for each
 * window, the first at the bottom. A beat once a second shows as a line, a stall as a hole,
 * simultaneous retries as a stripe.
 *
 * Drawn as an image with one pixel per window and then enlarged, so that the cost of a frame
 * depends on the number of windows, not of pixels.
 */
import { roundUp, timeTicks } from './axis.ts';
import { axisPx, rightPx } from './chart.ts';
import { fontPx, type Marks } from './chart-marks.ts';
import type { Fold } from './fold.ts';
import { tickText } from './format.ts';
import { hatch } from './hatch.ts';
import { alignDown } from './period.ts';
import type { Series } from './series.ts';
import type { Palette } from './theme.ts';
import type { Range } from './view.ts';
import { offsetMs } from './zone.ts';

const heightPx = 240;
const bottomPx = 28;
const topPx = 8;
const shades = 256;
/** More beats would hide the cells. */
const maxBeats = 400;
const beatPx = 8;
/**
 * The remaining outliers share the strongest shade; otherwise all other windows would look alike.
 */
const shadedShare = 0.995;

export interface HeatPicture {
  readonly series: Series;
  /** The range of the chart. */
  readonly range: Range;
  readonly fold: Fold;
  /** Whether the colour scale may change. It may only change rarely, or colours flicker. */
  readonly rescale: boolean;
  /** The window under the crosshair. */
  readonly cursor: number | undefined;
  /** One end of a range that is being selected. */
  readonly anchor: number | undefined;
  readonly beats: Marks['beats'];
}

export interface HeatMapEvents {
  /** Called when the pointer moves or leaves; `pointed` has its time. */
  moved(): void;
  /** Called when the user clicks a window. */
  clicked(window: Range): void;
}

export class HeatMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #cells = document.createElement('canvas');
  #palette: Palette;
  #colours: Uint32Array;
  #picture: HeatPicture | undefined;
  #pointer: { readonly x: number; readonly y: number } | undefined;
  #scaleMax = 4;

  constructor(canvas: HTMLCanvasElement, palette: Palette, events: HeatMapEvents) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#palette = palette;
    this.#colours = shadesOf(palette.heat);
    const moved = (event?: PointerEvent): void => {
      this.#pointer = event && { x: event.offsetX, y: event.offsetY };
      events.moved();
    };
    canvas.addEventListener('pointermove', moved);
    canvas.addEventListener('pointerdown', moved);
    canvas.addEventListener('pointerleave', () => moved());
    canvas.addEventListener('click', ({ offsetX, offsetY }) => {
      const start = this.#timeAt({ x: offsetX, y: offsetY });
      const { windowMs = 0 } = this.#picture?.fold.period ?? {};
      if (start !== undefined) events.clicked({ from: start, to: start + windowMs });
    });
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  set palette(palette: Palette) {
    this.#palette = palette;
    this.#colours = shadesOf(palette.heat);
    this.#redraw();
  }

  /** The smallest count with the strongest colour. */
  get scaleMax(): number {
    return this.#scaleMax;
  }

  /** The start of the window that is currently under the pointer, and the pointer's position. */
  get pointed(): { readonly time: number; readonly x: number; readonly y: number } | undefined {
    const time = this.#pointer && this.#timeAt(this.#pointer);
    return time === undefined || this.#pointer === undefined
      ? undefined
      : { time, ...this.#pointer };
  }

  draw(picture: HeatPicture): void {
    const isNew = this.#picture?.fold !== picture.fold;
    this.#picture = picture;
    if (picture.rescale || isNew) this.#scaleMax = roundUp(scaleMaxOf(picture));
    this.#redraw();
  }

  #redraw(): void {
    const picture = this.#picture;
    if (picture === undefined) return;
    const { clientWidth } = this.#canvas;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(heightPx * scale)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const context = this.#context;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, clientWidth, heightPx);
    this.#drawCells(picture, clientWidth);
    this.#drawAxes(picture, clientWidth);
    this.#drawBeats(picture, clientWidth);
    const { cursor, anchor } = picture;
    if (anchor !== undefined) this.#drawFrame(anchor, this.#palette.select, picture);
    if (cursor !== undefined) this.#drawFrame(cursor, this.#palette.hover, picture);
  }

  #drawCells({ series, range, fold }: HeatPicture, width: number): void {
    const { columnMs } = fold;
    const firstColumn = alignDown(range.from, columnMs);
    const columns = Math.ceil((range.to - firstColumn) / columnMs);
    const image = this.#imageOf(series, range, fold, columns);
    this.#cells.width = image.width;
    this.#cells.height = image.height;
    contextOf(this.#cells).putImageData(image, 0, 0);

    const context = this.#context;
    const area = areaOf(width);
    const perMs = area.width / (range.to - range.from);
    const xOf = (time: number): number => area.left + (time - range.from) * perMs;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    // Time that is not loaded is not a gap.
    const [left, right] = [xOf(Math.max(series.from, range.from)), xOf(series.to)];
    context.fillStyle = hatch(context, this.#palette.gap);
    context.fillRect(left, area.top, Math.max(right - left, 0), area.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(
      this.#cells,
      xOf(firstColumn),
      area.top,
      columns * columnMs * perMs,
      area.height,
    );
    // The rest of the last column is in the future and is not a gap.
    const lastColumn = alignDown(range.to, columnMs);
    const complete = (range.to - lastColumn) / columnMs;
    context.fillStyle = this.#palette.panel;
    context.fillRect(xOf(lastColumn), area.top, columnMs * perMs, area.height * (1 - complete));
    context.restore();
  }

  #imageOf(series: Series, range: Range, fold: Fold, columns: number): ImageData {
    const { columnMs, period } = fold;
    const { starts, counts } = series;
    const rows = columnMs / period.windowMs;
    const firstColumn = alignDown(range.from, columnMs);
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const first = series.indexOf(firstColumn);
    const end = series.indexOf(range.to);
    const factor = (shades - 1) ** 2 / this.#scaleMax;
    for (let index = first; index < end; index++) {
      const offset = (starts[index] ?? 0) - firstColumn;
      const column = Math.floor(offset / columnMs);
      const row = rows - 1 - (offset - column * columnMs) / period.windowMs;
      // Random variation grows with the square root of a count, so on a square-root scale noise
      // looks the same at any level.
      const shade = Math.min(Math.round(Math.sqrt((counts[index] ?? 0) * factor)), shades - 1);
      pixels[row * columns + column] = this.#colours[shade] ?? 0;
    }
    return image;
  }

  /**
   * Draws a short line at the left edge of the cell of each beat, unless the lines would be too
   * close.
   */
  #drawBeats({ range, fold, beats }: HeatPicture, width: number): void {
    const [beat] = beats;
    if (beat === undefined || fold.period.windowMs > beat.periodMs / 2) return;
    const { periodMs, at } = beat;
    if ((range.to - range.from) / periodMs > maxBeats) return;
    const area = areaOf(width);
    const perMs = area.width / (range.to - range.from);
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    const first = at + Math.ceil((range.from - at) / periodMs) * periodMs;
    // Short, so that the cell stays visible beside it.
    const length = Math.min(fold.columnMs * perMs, beatPx);
    for (const [rim, lineWidth] of [
      [this.#palette.panel, 4],
      [this.#palette.burst, 2],
    ] as const) {
      context.strokeStyle = rim;
      context.lineWidth = lineWidth;
      context.beginPath();
      for (let time = first; time < range.to; time += periodMs) {
        const column = alignDown(time, fold.columnMs);
        const x = area.left + (column - range.from) * perMs;
        const y = area.top + area.height * (1 - (time - column) / fold.columnMs);
        context.moveTo(x, y);
        context.lineTo(x + length, y);
      }
      context.stroke();
    }
    context.restore();
  }

  #drawAxes({ range, fold }: HeatPicture, width: number): void {
    const context = this.#context;
    const area = areaOf(width);
    context.font = `${fontPx}px "Inter Variable", system-ui, sans-serif`;
    context.fillStyle = this.#palette.muted;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const [text, share] of fold.rows)
      context.fillText(text, area.left - 8, area.top + area.height * (1 - share));
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    const { stepMs, at } = timeTicks(range.from, range.to, area.width, offsetMs);
    for (const time of at) {
      const x = area.left + ((time - range.from) / (range.to - range.from)) * area.width;
      context.fillText(tickText(time, stepMs), x, heightPx - 6);
    }
  }

  /** Draws a frame around the window at a time. */
  #drawFrame(time: number, colour: string, { range, fold }: HeatPicture): void {
    if (time < range.from || time >= range.to) return;
    const { columnMs, period } = fold;
    const area = areaOf(this.#canvas.clientWidth);
    const perMs = area.width / (range.to - range.from);
    const column = alignDown(time, columnMs);
    const row = Math.floor((time - column) / period.windowMs);
    const rowPx = (area.height * period.windowMs) / columnMs;
    const x = area.left + (column - range.from) * perMs;
    const y = area.top + area.height - (row + 1) * rowPx;
    const context = this.#context;
    for (const [rim, lineWidth] of [
      [this.#palette.panel, 4],
      [colour, 2],
    ] as const) {
      context.strokeStyle = rim;
      context.lineWidth = lineWidth;
      context.strokeRect(x - 2, y - 2, columnMs * perMs + 4, rowPx + 4);
    }
  }

  #timeAt({ x: left, y: top }: { readonly x: number; readonly y: number }): number | undefined {
    if (this.#picture === undefined) return undefined;
    const { range, fold } = this.#picture;
    const area = areaOf(this.#canvas.clientWidth);
    const x = left - area.left;
    const y = area.top + area.height - top;
    if (x < 0 || x >= area.width || y < 0 || y >= area.height) return undefined;
    const time = range.from + (x / area.width) * (range.to - range.from);
    const share = (y / area.height) * fold.columnMs;
    return alignDown(time, fold.columnMs) + alignDown(Math.floor(share), fold.period.windowMs);
  }
}

function areaOf(width: number) {
  return {
    left: axisPx,
    top: topPx,
    width: Math.max(width - axisPx - rightPx, 1),
    height: heightPx - topPx - bottomPx,
  };
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('cannot draw: this browser has no 2D canvas');
  return context;
}

function scaleMaxOf({ series, range }: HeatPicture): number {
  const counts = Float64Array.from(
    series.counts.slice(series.indexOf(range.from), series.indexOf(range.to)),
  ).sort();
  return counts[Math.floor((counts.length - 1) * shadedShare)] ?? 0;
}

/** Interpolates between the colours; returns little-endian RGBA for image data. */
function shadesOf(stops: readonly string[]): Uint32Array {
  const ramp = document.createElement('canvas');
  ramp.width = shades;
  ramp.height = 1;
  const context = contextOf(ramp);
  const gradient = context.createLinearGradient(0, 0, shades, 0);
  for (const [index, stop] of stops.entries())
    gradient.addColorStop(index / (stops.length - 1), stop);
  context.fillStyle = gradient;
  context.fillRect(0, 0, shades, 1);
  return new Uint32Array(context.getImageData(0, 0, shades, 1).data.buffer);
}
