/**
 * The time format of all text for people: windows, errors, findings. JSON and logs use ISO 8601.
 */

/** `2016-05-28 11:11:11.010` (UTC) for epoch ms. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, -1).replace('T', ' ');
}
