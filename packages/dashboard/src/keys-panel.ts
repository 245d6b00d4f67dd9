/**
 * Messages by key, below the chart and on its time axis: the eight largest keys of the range and
 * the sum of all others, stacked, from a report such as `by:path`. Hidden if the server runs none.
 */
import type { Report } from '@reto3/client/answers';
import { axisPx, rightPx } from './chart.ts';
import type { Client } from './client.ts';
import { element, write } from './elements.ts';
import { compactText, lengthText, wholeText } from './format.ts';
import { alignDown } from './period.ts';
import { maxLayers, otherKey, type Stack, stackOf } from './stack.ts';
import type { Range } from './view.ts';

const heightPx = 140;
/** The list of reports rarely changes. */
const listEveryMs = 30_000;
const rowsEveryMs = 2_000;
/** On any screen, such a column is at least one or two pixels wide. */
const maxColumns = 240;
const lengthsMs = [10, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000];

export class KeysPanel {
  readonly #client: Client;
  readonly #canvas = element('keys', HTMLCanvasElement);
  readonly #select = element('keys-report', HTMLSelectElement);
  #listedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The range of the last request; undefined if it failed or its answer is not wanted. */
  #asked: Range | undefined;
  #pending = false;
  #shown: Range | undefined;
  #stack: Stack | undefined;
  #request = new AbortController();

  constructor(client: Client) {
    this.#client = client;
    this.#select.addEventListener('change', () => this.#clear());
  }

  /** Called whenever the text of the page is updated. */
  show(range: Range): void {
    this.#shown = range;
    const now = performance.now();
    if (now - this.#listedAt >= listEveryMs) {
      this.#listedAt = now;
      void this.#list();
    }
    if (element('keys-panel', HTMLElement).hidden) return;
    // A slow answer must not be dropped because the live view has moved on.
    const waits = this.#pending && isNear(range, this.#asked);
    if (now - this.#askedAt >= rowsEveryMs && !isSame(range, this.#asked) && !waits) {
      this.#askedAt = now;
      this.#asked = range;
      void this.#ask(range);
    }
    this.#draw();
  }

  /** Forgets everything, because the page shows other counts. */
  forget(): void {
    this.#listedAt = Number.NEGATIVE_INFINITY;
    this.#clear();
  }

  /** Forgets the rows. */
  #clear(): void {
    this.#request.abort();
    this.#pending = false;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    this.#asked = undefined;
    this.#showMessage('');
  }

  /** Shows a message in place of the rows, which are not those of this range. */
  #showMessage(text: string): void {
    this.#stack = undefined;
    this.#canvas.width = 0;
    element('keys-key', HTMLUListElement).replaceChildren();
    write('keys-shown', text);
  }

  async #list(): Promise<void> {
    const { selector } = this.#client;
    const reports = await this.#client.reports().catch(() => undefined);
    // After a failure, the old list is the best known.
    if (reports === undefined || selector !== this.#client.selector) return;
    const names = reports.map(({ name }) => name).filter((name) => name.startsWith('by:'));
    element('keys-panel', HTMLElement).hidden = names.length === 0;
    const listed = [...this.#select.options].map(({ value }) => value);
    if (listed.join() === names.join()) return;
    const chosen = this.#select.value;
    this.#select.replaceChildren(
      ...names.map((name) => new Option(name.slice('by:'.length), name)),
    );
    if (names.includes(chosen)) this.#select.value = chosen;
    this.#clear();
  }

  async #ask(range: Range): Promise<void> {
    this.#request.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    this.#pending = true;
    const columnMs =
      lengthsMs.find((length) => (range.to - range.from) / length <= maxColumns) ?? 86_400_000;
    const from = alignDown(range.from, columnMs);
    try {
      const name = this.#select.value;
      const report: Report = await this.#client.report(
        name,
        { from, to: range.to },
        columnMs,
        signal,
      );
      if (signal.aborted) return;
      this.#pending = false;
      this.#stack = stackOf(report.rows, columnMs);
      this.#writeKey(this.#stack);
      // At once, so that the text above never names other columns than those on the canvas.
      this.#draw();
    } catch (error) {
      if (signal.aborted) return;
      this.#pending = false;
      // Asks again.
      this.#asked = undefined;
      this.#showMessage(error instanceof Error ? error.message : String(error));
    }
  }

  #writeKey({ layers, columnMs }: Stack): void {
    write('keys-shown', `per ${lengthText(columnMs)}`);
    element('keys-key', HTMLUListElement).replaceChildren(
      ...layers.map(({ key, total }, index) => {
        const item = document.createElement('li');
        const swatch = document.createElement('i');
        swatch.style.background = `var(${colourOf(key, index)})`;
        item.append(swatch, `${key} ${wholeText(total)}`);
        return item;
      }),
    );
  }

  #draw(): void {
    if (this.#stack === undefined || this.#shown === undefined) return;
    const { layers, starts, columnMs, max } = this.#stack;
    const range = this.#shown;
    const width = this.#canvas.clientWidth;
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(heightPx * scale);
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    const plot = Math.max(width - axisPx - rightPx, 1);
    const perMs = plot / (range.to - range.from);
    const bottom = heightPx - 4;
    context.fillStyle = style.getPropertyValue('--muted');
    context.font = '12px "Inter Variable", system-ui, sans-serif';
    context.textAlign = 'right';
    context.fillText(compactText(max), axisPx - 8, 14);
    context.fillText('0', axisPx - 8, bottom);
    context.beginPath();
    context.rect(axisPx, 0, plot, heightPx);
    context.clip();
    const heights = new Float64Array(starts.length);
    for (const [index, { key, counts }] of layers.entries()) {
      context.fillStyle = style.getPropertyValue(colourOf(key, index));
      for (const [column, start] of starts.entries()) {
        const height = ((counts[column] ?? 0) / Math.max(max, 1)) * (bottom - 6);
        const below = heights[column] ?? 0;
        const x = axisPx + (start - range.from) * perMs;
        // Half a pixel wider, so that columns touch.
        context.fillRect(x, bottom - below - height, columnMs * perMs + 0.5, height);
        heights[column] = below + height;
      }
    }
  }
}

/** The name of a CSS property. All unlisted keys share one colour. */
function colourOf(key: string, index: number): string {
  return `--layer-${key === otherKey ? maxLayers : index}`;
}

/** Whether one range may be the other a moment later; on a young server, it also grows. */
function isNear(one: Range, other: Range | undefined): boolean {
  if (other === undefined) return false;
  const movesOn = one.from >= other.from && one.to >= other.to && one.from < other.to;
  return movesOn && 2 * (one.to - one.from) > other.to - other.from;
}

function isSame(one: Range, other: Range | undefined): boolean {
  return one.from === other?.from && one.to === other.to;
}
