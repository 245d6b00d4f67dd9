/** The tooltip at the crosshair: describes the window under it in a few lines. */
import { element, write } from './elements.ts';

/** Distance from the pointer, so that neither covers the other. */
const offsetPx = 12;

export class Tooltip {
  readonly #box: HTMLElement;
  readonly #first: string;
  readonly #more: string;

  /** @param id of the first line; `id`-more has the others, and `id`-tip is the box around them */
  constructor(id: string) {
    this.#box = element(`${id}-tip`, HTMLElement);
    this.#first = id;
    this.#more = `${id}-more`;
  }

  /** @param x, y relative to the parent of the box, in CSS pixels */
  show([first, ...more]: readonly [string, ...string[]], x: number, y: number): void {
    write(this.#first, first);
    write(this.#more, more.join('\n'));
    this.#box.hidden = false;
    const { offsetWidth: width, offsetHeight: height, parentElement } = this.#box;
    const { clientWidth = 0, clientHeight = 0 } = parentElement ?? {};
    const left = x + offsetPx + width <= clientWidth ? x + offsetPx : x - offsetPx - width;
    const top = y - offsetPx - height >= 0 ? y - offsetPx - height : y + offsetPx;
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
