/** The readout that follows the cursor: what stands under it, in a few lines. */
import { element, write } from './elements.ts';

/** Between the cursor and the readout, so that neither covers the other. */
const awayPx = 12;

export class Tip {
  readonly #box: HTMLElement;
  readonly #first: string;
  readonly #more: string;

  /** @param id of the first line; the others stand in `id`-more, the box around them is `id`-tip */
  constructor(id: string) {
    this.#box = element(`${id}-tip`, HTMLElement);
    this.#first = id;
    this.#more = `${id}-more`;
  }

  /** At a place of the element that the box is in, in CSS pixels. */
  show([first, ...more]: readonly [string, ...string[]], x: number, y: number): void {
    write(this.#first, first);
    write(this.#more, more.join('\n'));
    this.#box.hidden = false;
    const { offsetWidth: width, offsetHeight: height, parentElement } = this.#box;
    const { clientWidth = 0, clientHeight = 0 } = parentElement ?? {};
    const left = x + awayPx + width <= clientWidth ? x + awayPx : x - awayPx - width;
    const top = y - awayPx - height >= 0 ? y - awayPx - height : y + awayPx;
    this.#box.style.transform = `translate(${clamp(left, clientWidth - width)}px, ${clamp(top, clientHeight - height)}px)`;
  }

  hide(): void {
    this.#box.hidden = true;
    write(this.#first, '');
  }
}

function clamp(value: number, most: number): number {
  return Math.round(Math.max(Math.min(value, most), 0));
}
