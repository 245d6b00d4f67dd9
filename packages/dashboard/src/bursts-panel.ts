/**
 * The panel of bursts and stalls in the range of the chart, from /v1/bursts. Reloads when the view
 * changes, and from time to time while it is live. The chart marks the result.
 *
 * A jump to a burst keeps the list, because the range of a single burst has no bursts of its own,
 * and users want to see the next one in the list.
 */
import type { Bursts } from '@reto3/client/answers';
import type { Marks } from './chart-marks.ts';
import type { Client } from './client.ts';
import { element, rowOf, write } from './elements.ts';
import { dateTimeText, lengthText, percentText, shortText, timeText, wholeText } from './format.ts';
import { rangeText } from './readouts.ts';
import type { Range, View } from './view.ts';
import { type Chosen, WhoPanel } from './who-panel.ts';
import { changesOffset, zoneText } from './zone.ts';

export interface BurstsPanelEvents {
  /** Shows a range that the user chose; returns its view. */
  show(range: Range): View;
  /** Returns to an earlier view. */
  back(view: View): void;
  /** Reports new bursts and stalls to mark. */
  found(marks: Marks): void;
}

/** A view is analysed once it has stopped moving. */
const settleMs = 300;
/** A live view is analysed again after this time, or … */
const minRefreshMs = 10_000;
/** … after this share of its span, whichever is longer: a view of an hour once a minute. */
const refreshShare = 1 / 60;
/** Longer ranges are analysed only on request: a day has 8,640,000 windows, each read twice. */
const maxUnaskedMs = 3 * 3_600_000;
/** The least time to show on each side of a burst. */
const marginMs = 400;
const windowMs = 10;
export const noMarks: Marks = { bursts: [], stalls: [], beats: [] };

export class BurstsPanel {
  readonly #client: Client;
  readonly #events: BurstsPanelEvents;
  readonly #panel = element('bursts', HTMLElement);
  readonly #who: WhoPanel;
  /** The latest view, and the time since when it is shown. */
  #view: View | undefined;
  #since = 0;
  /** The latest analysis, finished or not; undefined if its result is not shown. */
  #asked: { readonly view: View; readonly range: Range; readonly at: number } | undefined;
  #pending = false;
  #failed = false;
  #request = new AbortController();
  /** The view of one burst or stall, and the view in which the user chose it. */
  #visit: { readonly view: View; readonly from: View } | undefined;
  #wanted = false;
  /** The answer that the panel shows. */
  #answer: Bursts | undefined;
  /** The range of the list; within one date, times suffice. */
  #listed: Range = { from: 0, to: 0 };

  constructor(client: Client, events: BurstsPanelEvents) {
    this.#client = client;
    this.#events = events;
    this.#who = new WhoPanel(client);
    element('bursts-ask', HTMLButtonElement).addEventListener('click', () => {
      this.#wanted = true;
    });
    element('bursts-back', HTMLButtonElement).addEventListener('click', () => {
      if (this.#visit === undefined) return;
      // Moves the focus, because the button disappears.
      element('bursts-list', HTMLElement).focus();
      events.back(this.#visit.from);
    });
  }

  /**
   * Called whenever the text of the page is updated.
   * @param counted whether any window of the range was counted
   */
  show(view: View, range: Range, counted: boolean): void {
    const now = performance.now();
    if (!isSame(view, this.#view)) {
      // After a return, the list is unchanged.
      const comesBack = isSame(view, this.#visit?.from);
      if (comesBack && view.to !== undefined) this.#asked = { view, range, at: now };
      if (!isSame(view, this.#visit?.view)) this.#leave();
      if (this.#pending && !isSame(view, this.#asked?.view)) this.#cancel();
      this.#view = view;
      this.#since = now;
      this.#wanted = false;
    }
    element('bursts-back', HTMLElement).hidden = this.#visit === undefined;
    const long = range.to - range.from > maxUnaskedMs;
    const isNew = !isSame(view, this.#asked?.view);
    element('bursts-ask', HTMLElement).hidden = !long || !isNew || this.#visit !== undefined;
    if (this.#visit !== undefined) return;
    if (!counted) {
      this.#cancel();
      this.#showMessage('Nothing was counted in this range.');
    } else if (long && isNew && !this.#wanted) {
      this.#cancel();
      this.#showMessage(
        `Analysing ${lengthText(range.to - range.from)} takes the server a moment.`,
      );
      // Marks of another range would look complete.
      this.#events.found(noMarks);
    } else if (now - this.#since >= settleMs && this.#isDue(view, range, now))
      void this.#ask(view, range);
  }

  /** Writes its times again, because the user chose another time zone. */
  rewrite(): void {
    if (this.#answer !== undefined) this.#write(this.#answer);
  }

  /** Forgets everything, because the page shows other counts. */
  forget(): void {
    this.#cancel();
    this.#leave();
    this.#view = undefined;
    // The list belongs to other counts.
    this.#showMessage('');
    this.#events.found(noMarks);
  }

  /** Forgets the burst or stall that the page showed. */
  #leave(): void {
    this.#visit = undefined;
    this.#who.hide();
  }

  /** Drops the latest analysis, because its view is no longer shown or another one replaces it. */
  #cancel(): void {
    this.#request.abort();
    this.#pending = false;
    this.#asked = undefined;
  }

  #isDue(view: View, range: Range, now: number): boolean {
    const asked = this.#asked;
    if (asked === undefined || !isSame(view, asked.view)) return true;
    // A slow answer must not be dropped for a newer question again and again.
    if (this.#pending) return false;
    if (this.#failed) return now - asked.at >= minRefreshMs;
    if (view.to !== undefined) return false;
    // Rows must not move while the user is about to click one.
    if (this.#panel.querySelector('tbody tr:is(:hover, :focus-within)') !== null) return false;
    const refreshMs = Math.max(minRefreshMs, (range.to - range.from) * refreshShare);
    return range.to - range.from <= maxUnaskedMs && now - asked.at >= refreshMs;
  }

  async #ask(view: View, range: Range): Promise<void> {
    this.#request.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    this.#asked = { view, range, at: performance.now() };
    this.#wanted = false;
    this.#pending = true;
    this.#failed = false;
    try {
      const answer = await this.#client.bursts(range, signal);
      if (signal.aborted) return;
      this.#pending = false;
      this.#write(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#pending = false;
      this.#failed = true;
      this.#showMessage(
        `cannot find bursts: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Shows a message in place of the lists. */
  #showMessage(text: string): void {
    this.#answer = undefined;
    element('bursts-found', HTMLElement).hidden = true;
    write('bursts-shown', text);
    write('quantiles', '');
  }

  #write(answer: Bursts): void {
    this.#answer = answer;
    element('bursts-found', HTMLElement).hidden = false;
    const { quantiles, thresholds, bursts, stalls, beats, uncounted } = answer;
    const range = { from: answer.from, to: answer.to };
    this.#events.found({ bursts: bursts.list, stalls: stalls.list, beats });
    write('beats-shown', beatsText(beats));
    this.#listed = range;
    const gaps = uncounted === 0 ? '' : `, ${lengthText(uncounted * windowMs)} not counted`;
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
        ? `none reaches ${shortText(rise)} in 10 ms`
        : `${totalText(bursts.count, bursts.list.length)} · from ${shortText(rise)} in 10 ms until below ${shortText(fall)} · ${percentText(bursts.share)} of the messages`,
    );
    this.#fill(
      'bursts-rows',
      [...bursts.list]
        .sort((a, b) => b.total - a.total)
        .map(({ from, to, peak, total, share }) => [
          this.#jumpButton({ from, to }, { kind: 'burst', stretch: { from, to }, range }),
          lengthText(to - from),
          wholeText(peak),
          wholeText(total),
          percentText(share),
        ]),
    );
    write('stalls-total', stallsText(stallMs, answer));
    this.#fill(
      'stalls-rows',
      [...stalls.list]
        .sort((a, b) => b.to - b.from - (a.to - a.from))
        .map(({ from, to }) => [
          this.#jumpButton({ from, to }, { kind: 'stall', stretch: { from, to }, range }),
          lengthText(to - from),
        ]),
    );
    for (const [list, { count }] of [
      ['bursts-list', bursts],
      ['stalls-list', stalls],
    ] as const)
      element(list, HTMLElement).hidden = count === 0;
  }

  #scaleCells(scale: Bursts['scales'][number]): (string | Node)[] {
    const { windowMs: lengthMs, windows, mean, peak, peakToMean, dispersion } = scale;
    // The range has no whole window of this length.
    if (windows === 0) return [lengthText(lengthMs), '–', '–', '–', '–', '–'];
    return [
      lengthText(lengthMs),
      shortText(mean),
      wholeText(peak.count),
      peak.count === 0 ? '–' : this.#jumpButton({ from: peak.start, to: peak.start + lengthMs }),
      peak.count === 0 ? '–' : shortText(peakToMean),
      // There is no variance of one window.
      peak.count === 0 || windows < 2 ? '–' : shortText(dispersion),
    ];
  }

  #fill(id: string, rows: readonly (string | Node)[][]): void {
    element(id, HTMLTableSectionElement).replaceChildren(...rows.map(rowOf));
  }

  /** @param chosen the burst or stall to explain by keys, if it is one */
  #jumpButton({ from, to }: Range, chosen?: Chosen): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'link';
    button.textContent = timeIn(this.#listed, from);
    button.setAttribute('aria-label', `${button.textContent}, ${lengthText(to - from)}: show it`);
    button.addEventListener('click', () => {
      this.#go({ from, to }, button);
      if (chosen === undefined) this.#who.hide();
      else this.#who.show(chosen);
    });
    return button;
  }

  #go({ from, to }: Range, button: HTMLButtonElement): void {
    const start = this.#visit?.from ?? this.#view;
    if (start === undefined) return;
    const margin = Math.max(marginMs, to - from);
    const view = this.#events.show({ from: from - margin, to: to + margin });
    this.#visit = { view, from: start };
    for (const row of this.#panel.querySelectorAll('tr[aria-current]'))
      row.removeAttribute('aria-current');
    button.closest('tr')?.setAttribute('aria-current', 'true');
  }
}

/** A time in a range, with its date and zone only if the range has several. */
function timeIn(range: Range, time: number): string {
  const text = dateOf(range.from) === dateOf(range.to) ? timeText : dateTimeText;
  return text(time, windowMs) + (changesOffset(range) ? ` ${zoneText(time)}` : '');
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

function beatsText([beat]: Bursts['beats']): string {
  if (beat === undefined) return 'No burst repeats at an even distance.';
  const seconds = Number((beat.periodMs / 1_000).toFixed(3));
  return `Beat: every ${seconds} s, marked in the heat map.`;
}

function stallsText(stallMs: number | undefined, { stalls }: Bursts): string {
  if (stallMs === undefined) return 'too little traffic to tell stalls';
  const { count, ms, list } = stalls;
  if (count === 0) return `none of ${lengthText(stallMs)} without a message`;
  return `${totalText(count, list.length)} · ${lengthText(stallMs)} or more · ${lengthText(ms)} together`;
}
