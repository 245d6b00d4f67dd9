/** The three periods, and the choice of one to draw a span in. */

export type PeriodName = 'ms10' | 'sec' | 'min';

export interface Period {
  readonly name: PeriodName;
  readonly windowMs: number;
  /** Completes "messages per …". */
  readonly unit: string;
  /** The name of one window. */
  readonly window: string;
  /** The longest span to draw in this period: no screen shows more than about 12,000 windows. */
  readonly maxSpanMs: number;
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
    maxSpanMs: 2 * minuteMs,
  },
  sec: {
    name: 'sec',
    windowMs: secondMs,
    unit: 'second',
    window: 'second',
    maxSpanMs: 3 * hourMs,
  },
  min: {
    name: 'min',
    windowMs: minuteMs,
    unit: 'minute',
    window: 'minute',
    // 44,640 windows in one answer; for more, the user can pan or export.
    maxSpanMs: 31 * dayMs,
  },
};

/** Twenty 10 ms windows; closer zoom would show nothing new. */
export const minSpanMs = 200;
export const maxSpanMs = periods.min.maxSpanMs;

/**
 * The finest period to draw a span in.
 * @param resolutionMs resolution of the clock that counted
 */
export function periodFor(spanMs: number, resolutionMs = periods.ms10.windowMs): Period {
  const isFine = resolutionMs <= periods.ms10.windowMs;
  if (isFine && spanMs <= periods.ms10.maxSpanMs) return periods.ms10;
  return spanMs <= periods.sec.maxSpanMs ? periods.sec : periods.min;
}

export function alignDown(time: number, windowMs: number): number {
  return time - (time % windowMs);
}

export function alignUp(time: number, windowMs: number): number {
  return alignDown(time + windowMs - 1, windowMs);
}
