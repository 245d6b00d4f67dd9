/**
 * How bursty the shown range is, as the server says it: the answer of /v1/bursts, asked for anew
 * when the view changes, and every now and then while it is live. The chart marks what it found.
 *
 * Who goes to a burst keeps the list that it was in: the range of a burst alone says nothing of
 * bursts, and the next one in the list is what is looked at next.
 */
import type { Bursts } from '@reto3/client/answers';
import type { Marks } from './chart-marks.ts';
import type { Client } from './client.ts';
import { element, rowOf, write } from './elements.ts';
import { dateTimeText, lengthText, percentText, shortText, timeText, wholeText } from './text.ts';
import { rangeText } from './texts.ts';
import type { Range, View } from './view.ts';

export interface BurstsPanelEvents {
  /** Somebody wants to see a range; returns the view of it. */
  look(range: Range): View;
  /** Back to a view. */
  back(view: View): void;
  /** Other bursts and stalls are known now; none where nobody has looked. */
  found(marks: Marks): void;
}

/** A view that is still moving is not asked about. */
const settleMs = 300;
/** A live view is asked about so often, or … */
const leastRefreshMs = 10_000;
/** … after this part of its span, whichever is longer: an hour once a minute. */
const refreshShare = 1 / 60;
/** Longer ranges are read only for who asks: a day is 8,640,000 windows, read twice. */
const mostUnaskedMs = 3 * 3_600_000;
/** What is shown about a burst on both sides, at least. */
const marginMs = 400;
const windowMs = 10;
export const noMarks: Marks = { bursts: [], stalls: [] };

export class BurstsPanel {
  readonly #client: Client;
  readonly #events: BurstsPanelEvents;
  readonly #panel = element('bursts', HTMLElement);
  /** What was shown last, and since when. */
  #view: View | undefined;
  #since = 0;
  /** What was asked about last. */
  #asked: { readonly view: View; readonly range: Range; readonly at: number } | undefined;
  #request = new AbortController();
  /** The view of one burst or stall, and the one that it was chosen in. */
  #visit: { readonly view: View; readonly from: View } | undefined;
  #wanted = false;
  /** Whether all that is listed has one date, so that its time says when it was. */
  #oneDate = true;

  constructor(client: Client, events: BurstsPanelEvents) {
    this.#client = client;
    this.#events = events;
    element('bursts-ask', HTMLButtonElement).addEventListener('click', () => {
      this.#wanted = true;
    });
    element('bursts-back', HTMLButtonElement).addEventListener('click', () => {
      if (this.#visit === undefined) return;
      // The button goes.
      element('bursts-list', HTMLElement).focus();
      events.back(this.#visit.from);
    });
  }

  /**
   * Shows it for a range; called whenever the text of the page is written.
   * @param counted whether anything was counted in the range
   */
  show(view: View, range: Range, counted: boolean): void {
    const now = performance.now();
    if (!isSame(view, this.#view)) {
      // Whoever comes back finds the list as it was.
      const comesBack = isSame(view, this.#visit?.from);
      if (comesBack && view.to !== undefined) this.#asked = { view, range, at: now };
      if (!isSame(view, this.#visit?.view)) this.#visit = undefined;
      this.#view = view;
      this.#since = now;
      this.#wanted = false;
    }
    element('bursts-back', HTMLElement).hidden = this.#visit === undefined;
    const long = range.to - range.from > mostUnaskedMs;
    const isNew = !isSame(view, this.#asked?.view);
    element('bursts-ask', HTMLElement).hidden = !long || !isNew || this.#visit !== undefined;
    if (this.#visit !== undefined) return;
    if (!counted) this.#say('Nothing was counted in this range.');
    else if (long && isNew && !this.#wanted) {
      this.#say(`Looking through ${lengthText(range.to - range.from)} takes the server a moment.`);
      // Those of another range would look like all that there are.
      this.#events.found(noMarks);
    } else if (now - this.#since >= settleMs && this.#isDue(view, range, now))
      void this.#ask(view, range);
  }

  /** Other counts are wanted. */
  forget(): void {
    this.#request.abort();
    this.#asked = undefined;
    this.#visit = undefined;
    this.#view = undefined;
    // What stands there is of other counts.
    this.#say('');
    this.#events.found(noMarks);
  }

  #isDue(view: View, range: Range, now: number): boolean {
    const asked = this.#asked;
    if (asked === undefined || !isSame(view, asked.view)) return true;
    if (view.to !== undefined) return false;
    // Nothing moves under the finger that is about to choose it.
    if (this.#panel.querySelector('tbody tr:is(:hover, :focus-within)') !== null) return false;
    const refreshMs = Math.max(leastRefreshMs, (range.to - range.from) * refreshShare);
    return range.to - range.from <= mostUnaskedMs && now - asked.at >= refreshMs;
  }

  async #ask(view: View, range: Range): Promise<void> {
    this.#request.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    this.#asked = { view, range, at: performance.now() };
    this.#wanted = false;
    try {
      const answer = await this.#client.bursts(range, signal);
      if (signal.aborted) return;
      this.#write(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#say(`cannot tell: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Instead of an answer. */
  #say(text: string): void {
    element('bursts-found', HTMLElement).hidden = true;
    write('bursts-shown', text);
    write('quantiles', '');
  }

  #write(answer: Bursts): void {
    element('bursts-found', HTMLElement).hidden = false;
    const { quantiles, thresholds, bursts, stalls, uncounted } = answer;
    this.#events.found({ bursts: bursts.list, stalls: stalls.list });
    this.#oneDate = dateOf(answer.from) === dateOf(answer.to);
    const gaps = uncounted === 0 ? '' : `, ${lengthText(uncounted * windowMs)} of it not counted`;
    write(
      'bursts-shown',
      `${lengthText(answer.to - answer.from)} · ${rangeText(answer, windowMs)}${gaps}`,
    );
    const { p50, p90, p99, p999 } = quantiles;
    const counts = { median: p50, p90, p99, 'p99.9': p999 };
    write(
      'quantiles',
      `10 ms windows: ${Object.entries(counts)
        .map(([name, count]) => `${name} ${wholeText(count)}`)
        .join(', ')}`,
    );
    this.#fill(
      'scales',
      answer.scales.map((scale) => this.#scaleCells(scale)),
    );
    const { rise, fall, stallMs } = thresholds;
    write(
      'bursts-total',
      bursts.count === 0
        ? `none that reaches ${shortText(rise)} in 10 ms`
        : `${totalText(bursts.count, bursts.list.length)} · from ${shortText(rise)} in 10 ms until below ${shortText(fall)} · ${percentText(bursts.share)} of the messages`,
    );
    this.#fill(
      'bursts-rows',
      bursts.list
        .toSorted((a, b) => b.total - a.total)
        .map(({ from, to, peak, total, share }) => [
          this.#visitButton({ from, to }),
          lengthText(to - from),
          wholeText(peak),
          wholeText(total),
          percentText(share),
        ]),
    );
    write('stalls-total', stallsText(stallMs, answer));
    this.#fill(
      'stalls-rows',
      stalls.list
        .toSorted((a, b) => b.to - b.from - (a.to - a.from))
        .map(({ from, to }) => [this.#visitButton({ from, to }), lengthText(to - from)]),
    );
    for (const [list, { count }] of [
      ['bursts-list', bursts],
      ['stalls-list', stalls],
    ] as const)
      element(list, HTMLElement).hidden = count === 0;
  }

  #scaleCells(scale: Bursts['scales'][number]): (string | Node)[] {
    const { windowMs: lengthMs, windows, mean, peak, peakToMean, dispersion } = scale;
    // Not one such window lies in the range from its start to its end.
    if (windows === 0) return [lengthText(lengthMs), '–', '–', '–', '–', '–'];
    return [
      lengthText(lengthMs),
      shortText(mean),
      wholeText(peak.count),
      peak.count === 0 ? '–' : this.#visitButton({ from: peak.start, to: peak.start + lengthMs }),
      peak.count === 0 ? '–' : shortText(peakToMean),
      peak.count === 0 ? '–' : shortText(dispersion),
    ];
  }

  #fill(id: string, rows: readonly (string | Node)[][]): void {
    element(id, HTMLTableSectionElement).replaceChildren(...rows.map(rowOf));
  }

  #visitButton({ from, to }: Range): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'link';
    button.textContent = (this.#oneDate ? timeText : dateTimeText)(from, windowMs);
    button.ariaLabel = `${button.textContent}, ${lengthText(to - from)}: look at it`;
    button.addEventListener('click', () => this.#go({ from, to }, button));
    return button;
  }

  #go({ from, to }: Range, button: HTMLButtonElement): void {
    const start = this.#visit?.from ?? this.#view;
    if (start === undefined) return;
    const margin = Math.max(marginMs, to - from);
    const view = this.#events.look({ from: from - margin, to: to + margin });
    this.#visit = { view, from: start };
    for (const row of this.#panel.querySelectorAll('tr[aria-current]'))
      row.removeAttribute('aria-current');
    button.closest('tr')?.setAttribute('aria-current', 'true');
  }
}

function dateOf(time: number): string {
  return dateTimeText(time, windowMs).slice(0, 10);
}

function isSame(one: View | undefined, other: View | undefined): boolean {
  return one !== undefined && one.spanMs === other?.spanMs && one.to === other.to;
}

function totalText(count: number, listed: number): string {
  return count > listed ? `${wholeText(count)} (the largest ${listed})` : wholeText(count);
}

function stallsText(stallMs: number | undefined, { stalls }: Bursts): string {
  if (stallMs === undefined) return 'too little traffic to tell one';
  const { count, ms, list } = stalls;
  if (count === 0) return `none of ${lengthText(stallMs)} without a message`;
  return `${totalText(count, list.length)} · ${lengthText(stallMs)} or more · ${lengthText(ms)} together`;
}
