/** Where the labels of an axis stand. */

/** Lengths of time that people count in, and that the next longer unit divides into. */
const timeStepsMs = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 20, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 5, 10].map((days) => days * 86_400_000),
];

/** Room for a label and the space beside it. */
const labelPx = 72;

/**
 * Round times in [from, to] whose labels have room on an axis of that width.
 * @param offsetMs what the wall clock is ahead of UTC whose times are to be round
 */
export function timeTicks(
  from: number,
  to: number,
  widthPx: number,
  offsetMs = 0,
): { stepMs: number; at: number[] } {
  const label = (to - from) * Math.min(labelPx / Math.max(widthPx, 1), 1);
  const stepMs = timeStepsMs.find((step) => step >= label) ?? timeStepsMs.at(-1) ?? 1;
  const at: number[] = [];
  // A third of a label may stand out on the left, over the other axis' room; none on the right.
  const last = to - label / 3;
  const first = Math.ceil((from + offsetMs) / stepMs) * stepMs - offsetMs;
  for (let time = first; time <= last; time += stepMs) at.push(time);
  return { stepMs, at };
}

const mantissas = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** The least round number that is not smaller: where an axis of counts may end. At least 4. */
export function roundUp(value: number): number {
  if (value <= 4) return 4;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const mantissa = mantissas.find((each) => each * magnitude >= value) ?? 10;
  return Math.ceil(mantissa * magnitude);
}
