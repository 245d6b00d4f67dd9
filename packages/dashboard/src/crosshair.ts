/**
 * The crosshair of chart and heat map. Pointing into one marks the same window in the other, with a
 * tooltip at the pointer. Two clicks in the heat map select a range.
 */
import type { Chart } from './chart.ts';
import { element, write } from './elements.ts';
import type { HeatMap } from './heat-map.ts';
import { alignDown } from './period.ts';
import { pointedLines } from './readouts.ts';
import type { Series } from './series.ts';
import { Tooltip } from './tooltip.ts';
import type { Range } from './view.ts';

type Place = 'chart' | 'heat';

interface CrosshairEvents {
  /** Called when a redraw is needed. */
  changed(): void;
  /** Called when the user has selected the first end of a range. */
  began(): void;
  chosen(range: Range): void;
}

export class Crosshair {
  readonly #chart: Chart;
  readonly #heatMap: HeatMap;
  readonly #events: CrosshairEvents;
  readonly #tooltips: Readonly<Record<Place, Tooltip>> = {
    chart: new Tooltip('pointed'),
    heat: new Tooltip('heat-pointed'),
  };
  #on: Place | 'keys' | undefined;
  /** The time that the keyboard selected. */
  #time = 0;
  #anchor: Range | undefined;

  constructor(chart: Chart, heatMap: HeatMap, events: CrosshairEvents) {
    this.#chart = chart;
    this.#heatMap = heatMap;
    this.#events = events;
    addEventListener('keydown', ({ key }) => {
      if (key === 'Escape' && this.#anchor !== undefined) this.#choose(undefined);
    });
  }

  /** The time under the crosshair, epoch ms. */
  get time(): number | undefined {
    if (this.#on === 'keys') return this.#time;
    if (this.#on === 'chart') return this.#chart.pointed;
    return this.#on === 'heat' ? this.#heatMap.pointed?.time : undefined;
  }

  /** The first end of a range that is being selected. */
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

  /** Moves the crosshair by a time; if it is hidden, it starts at the end of the range. */
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

  /** Shows the tooltip of the chart or the heat map, for the series that it has drawn. */
  showIn(place: Place, series: Series): void {
    const { time } = this;
    const tooltip = this.#tooltips[place];
    const isHere = place === this.#on || (place === 'chart' && this.#on === 'keys');
    if (time === undefined || !isHere) {
      tooltip.hide();
      return;
    }
    if (place === 'heat') {
      const { x, y } = this.#heatMap.pointed ?? { x: 0, y: 0 };
      tooltip.show(pointedLines(series, time, undefined), x, y);
      return;
    }
    if (this.#on === 'keys') this.#chart.point(time);
    const { x, y } = this.#chart.placeOf(time, series.countAt(time) ?? 0);
    tooltip.show(pointedLines(series, time, this.#chart.band), x, y);
  }

  #choose(anchor: Range | undefined): void {
    this.#anchor = anchor;
    element('heat-hint', HTMLElement).dataset['state'] = anchor === undefined ? '' : 'choosing';
    write(
      'heat-hint',
      anchor === undefined
        ? 'Click two windows to select a range.'
        : 'Click the other end of the range, or press Esc to cancel.',
    );
    this.#events.changed();
  }
}
