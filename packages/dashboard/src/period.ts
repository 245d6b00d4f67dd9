/** The three kinds of window, and which of them a span of time is drawn in. */

export type PeriodName = 'ms10' | 'sec' | 'min';

export interface Period {
  readonly name: PeriodName;
  readonly windowMs: number;
  /** As in "messages per …". */
  readonly unit: string;
  /** What one window is called. */
  readonly window: string;
  /** The longest span drawn in it: beyond about 12,000 windows no screen tells them apart. */
  readonly mostSpanMs: number;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const periods: Readonly<Record<PeriodName, Period>> = {
  ms10: {
    name: 'ms10',
    windowMs: 10,
    unit: '10 ms',
    window: '10 ms window',
    mostSpanMs: 2 * minuteMs,
  },
  sec: {
    name: 'sec',
    windowMs: secondMs,
    unit: 'second',
    window: 'second',
    mostSpanMs: 3 * hourMs,
  },
  min: {
    name: 'min',
    windowMs: minuteMs,
    unit: 'minute',
    window: 'minute',
    // 44,640 windows in one answer; who wants more pans, or exports.
    mostSpanMs: 31 * dayMs,
  },
};

/** Twenty 10 ms windows: closer there is nothing more to see. */
export const leastSpanMs = 200;
export const mostSpanMs = periods.min.mostSpanMs;

/** The finest period in which a span may be drawn. */
export function periodFor(spanMs: number): Period {
  if (spanMs <= periods.ms10.mostSpanMs) return periods.ms10;
  return spanMs <= periods.sec.mostSpanMs ? periods.sec : periods.min;
}

export function alignDown(time: number, windowMs: number): number {
  return time - (time % windowMs);
}

export function alignUp(time: number, windowMs: number): number {
  return alignDown(time + windowMs - 1, windowMs);
}
