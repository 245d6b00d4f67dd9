/**
 * The times and durations that a text may say: every number in every unit, and every date. An oracle
 * for readers, so it shares no code with them: regular expressions, digits as text, and Date.
 */
const zone = '(?: ?(?<zone>Z|UTC|GMT|[+-]\\d\\d:?\\d\\d))?';
const clock = '(?<hour>\\d{1,2}):(?<minute>\\d\\d):(?<second>\\d\\d)(?:[.,](?<fraction>\\d+))?';
const dates = [
  `(?<year>\\d{4})[-/](?<month>\\d\\d)[-/](?<day>\\d\\d)(?:T|\\s+)${clock}${zone}`,
  `(?<day>\\d{1,2})[/\\s]+(?<name>[A-Z][a-z]{2})[/\\s]+(?<year>\\d{4})(?::|,?\\s+)${clock}${zone}`,
  `(?<name>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${clock} (?<year>\\d{4})`,
].map((source) => new RegExp(source, 'g'));
const numbers = /(?<whole>\d+)(?:\.(?<part>\d+))?/g;
const zoneStepMs = 15 * 60_000;
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

export class SaidTimes {
  /** Whole ms since the epoch. */
  readonly #times = new Set<number>();
  readonly #durations = new Set<number>();

  /** @param startMs of the run, for times that count from there */
  constructor(text: string, startMs: number | undefined) {
    let before: readonly number[] = [];
    for (const { groups = {} } of text.matchAll(numbers)) {
      const inUnits = inEachUnit(groups['whole'] ?? '', groups['part'] ?? '');
      for (const { ms } of inUnits) {
        this.#times.add(ms);
        if (startMs !== undefined) this.#times.add(startMs + ms);
      }
      const durations = inUnits.map(({ ms, ns }) => ms + ns / 1_000_000);
      for (const duration of durations) {
        this.#durations.add(duration);
        // Two in a row may be parts of the duration.
        for (const part of before) this.#durations.add(part + duration);
      }
      before = durations;
    }
    const found = dates.flatMap((date) => [...text.matchAll(date)]);
    const zoned = found.flatMap(({ groups = {} }) =>
      groups['zone'] ? (dateOf(groups) ?? []) : [],
    );
    for (const { groups = {} } of found) {
      const ms = dateOf(groups);
      if (ms === undefined) continue;
      this.#times.add(ms);
      // Its zone may be the one in which it is the time of another date.
      if (groups['zone'] === undefined)
        for (const other of zoned)
          this.#times.add(ms - Math.round((ms - other) / zoneStepMs) * zoneStepMs);
    }
  }

  /**
   * Whether the text says this time; or if it is a difference, the end, and the duration or both
   * times.
   */
  says(ms: number, isDifference: boolean, durationMs: number | undefined): boolean {
    if (!isDifference || durationMs === undefined) return this.#times.has(ms);
    const end = ms + Math.floor(durationMs);
    const hasEnd = this.#times.has(end) || this.#times.has(end + 1);
    return hasEnd && (this.#durations.has(durationMs) || this.#times.has(ms));
  }
}

/** The number as seconds, ms, µs and ns; cut and not rounded. */
function inEachUnit(whole: string, part: string): readonly { ms: number; ns: number }[] {
  const digits = `000000${whole}${part.padEnd(9, '0')}`;
  return [3, 0, -3, -6].map((shift) => {
    const point = '000000'.length + whole.length + shift;
    return { ms: Number(digits.slice(0, point)), ns: Number(digits.slice(point, point + 6)) };
  });
}

/** In UTC unless it has a zone; undefined if there is no such date. */
function dateOf(groups: Readonly<Record<string, string | undefined>>): number | undefined {
  const [year, day] = [Number(groups['year']), Number(groups['day'])];
  const month = groups['month']
    ? Number(groups['month']) - 1
    : months.indexOf(groups['name'] ?? '');
  const [hour, minute, second] = ['hour', 'minute', 'second'].map((name) => Number(groups[name]));
  const midnight = Date.UTC(year, month, day);
  const date = new Date(midnight);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day || year < 1970) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Number((groups['fraction'] ?? '').padEnd(3, '0').slice(0, 3));
  const local = midnight + ((hour * 60 + minute) * 60 + second) * 1_000 + ms;
  return local - offsetOf(groups['zone'] ?? 'Z');
}

/** Ms east of Greenwich. */
function offsetOf(name: string): number {
  if (!/^[+-]/.test(name)) return 0;
  const minutes = Number(name.slice(1, 3)) * 60 + Number(name.slice(-2));
  return (name.startsWith('-') ? -1 : 1) * minutes * 60_000;
}
