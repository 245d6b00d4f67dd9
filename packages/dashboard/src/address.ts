/**
 * The page's address names the view, so that users can share it. The page writes it when the view
 * changes, and follows it when the user edits it, opens a link or goes back.
 *
 * Browsers change the address first and send `hashchange` in a later task. Until that event, the page
 * does not write, because it would overwrite an address that it has not read yet.
 */

/** Browsers refuse more than a hundred changes in ten seconds. */
const minIntervalMs = 300;

/** The part of `window` that is used here. */
export interface AddressBar {
  readonly location: { readonly hash: string };
  readonly history: { replaceState(data: null, unused: '', hash: string): void };
  addEventListener(type: 'hashchange', changed: () => void): void;
}

export class Address {
  readonly #bar: AddressBar;
  /** The hash that was last read or written. */
  #known: string;
  #next = '';
  #writtenMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param changed receives each hash that does not come from `write` */
  constructor(bar: AddressBar, changed: (hash: string) => void) {
    this.#bar = bar;
    this.#known = bar.location.hash;
    bar.addEventListener('hashchange', () => {
      this.#known = bar.location.hash;
      this.#drop();
      changed(this.#known);
    });
  }

  get hash(): string {
    return this.#known;
  }

  /** Writes at once, or as soon as the browser allows the next change. */
  write(hash: string): void {
    this.#drop();
    this.#next = hash;
    const waitMs = this.#writtenMs + minIntervalMs - performance.now();
    if (waitMs <= 0) this.#write();
    else this.#timer = setTimeout(() => this.#write(), waitMs);
  }

  #write(): void {
    const { location, history } = this.#bar;
    if (location.hash !== this.#known || location.hash === this.#next) return;
    history.replaceState(null, '', this.#next);
    this.#known = location.hash;
    this.#writtenMs = performance.now();
  }

  #drop(): void {
    clearTimeout(this.#timer);
  }
}
