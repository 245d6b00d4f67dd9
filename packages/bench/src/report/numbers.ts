/** Numbers for human readers. Pure. */

/** Three significant digits below a thousand; whole, grouped thousands above. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return `${Number(value.toPrecision(3))}`;
}
