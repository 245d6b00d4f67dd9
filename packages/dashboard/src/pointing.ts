/**
 * The cursor that chart and heat map share: one points, the other marks the same window, and the
 * readout stands where the pointer is. Two clicks in the heat map choose a range.
 */
import type { Chart } from './chart.ts';
import { element, write } from './elements.ts';
import type { HeatMap } from './heat-map.ts';
import { alignDown } from './period.ts';
import type { Series } from './series.ts';
import { pointedLines } from './texts.ts';
import { Tip } from './tip.ts';
import type { Range } from './view.ts';

type Place = 'chart' | 'heat';

interface PointingEvents {
  /** There is something else to draw. */
  changed(): void;
  /** One end of a range was chosen. */
  began(): void;
  chosen(range: Range): void;
}

export class Pointing {
  readonly #chart: Chart;
  readonly #heatMap: HeatMap;
  readonly #events: PointingEvents;
  readonly #tips: Readonly<Record<Place, Tip>> = {
    chart: new Tip('pointed'),
    heat: new Tip('heat-pointed'),
  };
  #on: Place | 'keys' | undefined;
  /** Of the keys. */
  #time = 0;
  #anchor: Range | undefined;

  constructor(chart: Chart, heatMap: HeatMap, events: PointingEvents) {
    this.#chart = chart;
    this.#heatMap = heatMap;
    this.#events = events;
    addEventListener('keydown', ({ key }) => {
      if (key === 'Escape' && this.#anchor !== undefined) this.#choose(undefined);
    });
  }

  /** What is pointed at, as the page is now; epoch ms. */
  get time(): number | undefined {
    if (this.#on === 'keys') return this.#time;
    if (this.#on === 'chart') return this.#chart.pointed;
    return this.#on === 'heat' ? this.#heatMap.pointed?.time : undefined;
  }

  /** The end of a range that is chosen already. */
  get anchor(): number | undefined {
    return this.#anchor?.from;
  }

  moved(on: Place): void {
    const isThere = (on === 'chart' ? this.#chart : this.#heatMap).pointed !== undefined;
    if (!isThere && this.#on !== on) return;
    this.#on = isThere ? on : undefined;
    if (on === 'heat') this.#chart.point(this.time);
    this.#events.changed();
  }

  /** By so much time from where the cursor is, from the end where it is nowhere. */
  step(byMs: number, range: Range, windowMs: number): void {
    const time = alignDown(this.time ?? range.to, windowMs) + byMs;
    this.#time = Math.min(Math.max(time, range.from), range.to - windowMs);
    this.#on = 'keys';
    this.#chart.point(this.#time);
    this.#events.changed();
  }

  clicked(window: Range): void {
    const other = this.#anchor;
    if (other === undefined) {
      this.#choose(window);
      this.#events.began();
      return;
    }
    this.#choose(undefined);
    this.#events.chosen({
      from: Math.min(other.from, window.from),
      to: Math.max(other.to, window.to),
    });
  }

  /** Writes the readout of one of the two, from what it has drawn. */
  showIn(place: Place, series: Series): void {
    const { time } = this;
    const tip = this.#tips[place];
    const isHere = place === this.#on || (place === 'chart' && this.#on === 'keys');
    if (time === undefined || !isHere) {
      tip.hide();
      return;
    }
    if (place === 'heat') {
      const { x, y } = this.#heatMap.pointed ?? { x: 0, y: 0 };
      tip.show(pointedLines(series, time, undefined), x, y);
      return;
    }
    if (this.#on === 'keys') this.#chart.point(time);
    const { x, y } = this.#chart.placeOf(time, series.countAt(time) ?? 0);
    tip.show(pointedLines(series, time, this.#chart.band), x, y);
  }

  #choose(anchor: Range | undefined): void {
    this.#anchor = anchor;
    element('heat-hint', HTMLElement).dataset['state'] = anchor === undefined ? '' : 'choosing';
    write(
      'heat-hint',
      anchor === undefined
        ? 'Two clicks choose a range.'
        : 'Click the other end of the range, or press Esc.',
    );
    this.#events.changed();
  }
}
