/** Computes positions of axis labels. */

/** Common lengths of time that divide the next longer unit. */
const timeStepsMs = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 20, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 5, 10].map((days) => days * 86_400_000),
];

/** The width of a label, including the space beside it. */
const labelPx = 72;

/** Offset of a wall clock from UTC at a time, in ms; it changes twice a year. */
type OffsetAt = (time: number) => number;

/**
 * Round times in [from, to], as many as there is room for.
 * @param offsetAt of the wall clock on which the times are round; UTC by default
 */
export function timeTicks(
  from: number,
  to: number,
  widthPx: number,
  offsetAt: OffsetAt = () => 0,
): { stepMs: number; at: number[] } {
  const label = (to - from) * Math.min(labelPx / Math.max(widthPx, 1), 1);
  const stepMs = timeStepsMs.find((step) => step >= label) ?? timeStepsMs.at(-1) ?? 1;
  const at: number[] = [];
  // On the left, a third of a label may overlap the other axis; on the right there is no room.
  const last = to - label / 3;
  for (let time = rounded(from, stepMs, offsetAt); time <= last; ) {
    if (time >= from) at.push(time);
    time = rounded(time + stepMs, stepMs, offsetAt);
  }
  return { stepMs, at };
}

/** The nearest time that is round on the wall clock, also if the clock changes just before. */
function rounded(time: number, stepMs: number, offsetAt: OffsetAt): number {
  const past = (time + offsetAt(time)) % stepMs;
  return past * 2 < stepMs ? time - past : time - past + stepMs;
}

const mantissas = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** Rounds up to a good end for an axis of counts; at least 4. */
export function roundUp(value: number): number {
  if (value <= 4) return 4;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const mantissa = mantissas.find((each) => each * magnitude >= value) ?? 10;
  return Math.ceil(mantissa * magnitude);
}
