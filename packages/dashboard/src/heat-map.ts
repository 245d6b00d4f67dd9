/**
 * The sub-second heat map: a column for each second, in it a row for each of its hundred 10 ms
 * windows, the first at the bottom. What beats once a second is a line, what stops is a hole, what
 * is retried all at once is a stripe.
 *
 * Drawn as an image of one pixel a window and enlarged, so that a frame costs as much as its
 * windows and not as its pixels.
 */
import { roundUp, timeTicks } from './axis.ts';
import { axisPx } from './chart.ts';
import { hatch } from './hatch.ts';
import { alignDown } from './period.ts';
import type { Series } from './series.ts';
import { tickText } from './text.ts';
import type { Palette } from './theme.ts';
import type { Range } from './view.ts';

const rows = 100;
const secondMs = 1_000;
const windowMs = secondMs / rows;
const heightPx = 240;
const bottomPx = 28;
const topPx = 8;
const rightPx = 8;
const fontPx = 12;
const shades = 256;
/** The share of windows that have shades of their own; a few outliers would leave the rest none. */
const shadedShare = 0.995;

export interface HeatPicture {
  readonly series: Series;
  readonly range: Range;
  /** What the chart shows; marked where it is less. */
  readonly view: Range;
  /** Whether the scale may change: seldom, or the colours flicker. */
  readonly rescale: boolean;
  /** Marked with a frame. */
  readonly cursor: number | undefined;
}

export class HeatMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #cells = document.createElement('canvas');
  #palette: Palette;
  #colours: Uint32Array;
  #picture: HeatPicture | undefined;
  #most = 4;

  constructor(
    canvas: HTMLCanvasElement,
    palette: Palette,
    pointed: (time: number | undefined) => void,
  ) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#palette = palette;
    this.#colours = shadesOf(palette.heat);
    this.#cells.height = rows;
    canvas.addEventListener('pointermove', (event) => pointed(this.#timeAt(event)));
    canvas.addEventListener('pointerdown', (event) => pointed(this.#timeAt(event)));
    canvas.addEventListener('pointerleave', () => pointed(undefined));
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  set palette(palette: Palette) {
    this.#palette = palette;
    this.#colours = shadesOf(palette.heat);
    this.#redraw();
  }

  /** The least count that has the strongest colour. */
  get most(): number {
    return this.#most;
  }

  draw(picture: HeatPicture): void {
    this.#picture = picture;
    if (picture.rescale) this.#most = roundUp(shadedMost(picture));
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
    this.#drawAxes(picture.range, clientWidth);
    if (picture.view.from > picture.range.from) this.#drawView(picture, clientWidth);
    if (picture.cursor !== undefined) this.#drawCursor(picture.cursor, picture.range, clientWidth);
  }

  #drawCells({ series, range }: HeatPicture, width: number): void {
    const firstSecond = alignDown(range.from, secondMs);
    const columns = Math.ceil((range.to - firstSecond) / secondMs);
    const image = this.#imageOf(series, range, firstSecond, columns);
    this.#cells.width = columns;
    contextOf(this.#cells).putImageData(image, 0, 0);

    const context = this.#context;
    const area = areaOf(width);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    context.fillStyle = hatch(context, this.#palette.gap);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const perMs = area.width / (range.to - range.from);
    const left = area.left + (firstSecond - range.from) * perMs;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#cells, left, area.top, columns * secondMs * perMs, area.height);
    // What of the last second is still to come is no gap.
    const lastSecond = alignDown(range.to, secondMs);
    const come = (range.to - lastSecond) / secondMs;
    context.fillStyle = this.#palette.panel;
    context.fillRect(
      area.left + (lastSecond - range.from) * perMs,
      area.top,
      secondMs * perMs,
      area.height * (1 - come),
    );
    context.restore();
  }

  #imageOf(series: Series, range: Range, firstSecond: number, columns: number): ImageData {
    const { starts, counts } = series;
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const first = series.indexOf(firstSecond);
    const end = series.indexOf(range.to);
    const factor = (shades - 1) ** 2 / this.#most;
    for (let index = first; index < end; index++) {
      const offset = (starts[index] ?? 0) - firstSecond;
      const column = Math.floor(offset / secondMs);
      const row = rows - 1 - (offset - column * secondMs) / windowMs;
      // By the square root: chance moves a count by its square root, so that noise looks alike
      // wherever it is.
      const shade = Math.min(Math.round(Math.sqrt((counts[index] ?? 0) * factor)), shades - 1);
      pixels[row * columns + column] = this.#colours[shade] ?? 0;
    }
    return image;
  }

  #drawAxes(range: Range, width: number): void {
    const context = this.#context;
    const area = areaOf(width);
    context.font = `${fontPx}px "Inter Variable", system-ui, sans-serif`;
    context.fillStyle = this.#palette.muted;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const [text, share] of [
      ['0 ms', 0],
      ['250', 0.25],
      ['500', 0.5],
      ['750', 0.75],
      ['1 s', 1],
    ] as const) {
      context.fillText(text, area.left - 8, area.top + area.height * (1 - share));
    }
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    const { stepMs, at } = timeTicks(range.from, range.to, area.width);
    for (const time of at) {
      const x = area.left + ((time - range.from) / (range.to - range.from)) * area.width;
      context.fillText(tickText(time, stepMs), x, heightPx - 6);
    }
  }

  #drawView({ range, view }: HeatPicture, width: number): void {
    const area = areaOf(width);
    const perMs = area.width / (range.to - range.from);
    const context = this.#context;
    context.fillStyle = this.#palette.mark;
    context.fillRect(
      area.left + (view.from - range.from) * perMs,
      area.top + area.height + 2,
      Math.max((view.to - view.from) * perMs, 2),
      3,
    );
  }

  #drawCursor(time: number, range: Range, width: number): void {
    if (time < range.from || time >= range.to) return;
    const area = areaOf(width);
    const perMs = area.width / (range.to - range.from);
    const second = alignDown(time, secondMs);
    const row = Math.floor((time - second) / windowMs);
    const rowPx = area.height / rows;
    const x = area.left + (second - range.from) * perMs;
    const y = area.top + area.height - (row + 1) * rowPx;
    const context = this.#context;
    for (const [colour, spread] of [
      [this.#palette.panel, 3],
      [this.#palette.mark, 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = spread === 3 ? 4 : 2;
      context.strokeRect(x - 2, y - 2, secondMs * perMs + 4, rowPx + 4);
    }
  }

  #timeAt({ offsetX, offsetY }: PointerEvent): number | undefined {
    if (this.#picture === undefined) return undefined;
    const { range } = this.#picture;
    const area = areaOf(this.#canvas.clientWidth);
    const x = offsetX - area.left;
    const y = area.top + area.height - offsetY;
    if (x < 0 || x >= area.width || y < 0 || y >= area.height) return undefined;
    const second = alignDown(range.from + (x / area.width) * (range.to - range.from), secondMs);
    return second + Math.floor((y / area.height) * rows) * windowMs;
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

function shadedMost({ series, range }: HeatPicture): number {
  const counts = Float64Array.from(
    series.counts.slice(series.indexOf(range.from), series.indexOf(range.to)),
  ).sort();
  return counts[Math.floor((counts.length - 1) * shadedShare)] ?? 0;
}

/** Between the stops, as the little-endian RGBA of image data. */
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
