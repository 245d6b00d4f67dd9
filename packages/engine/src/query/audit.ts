/**
 * The audit: reads the store and the minutes in memory as a reader sees them, and checks the
 * counts.
 *
 * - blocks: the checksum and total of every block in the range are right, and the block agrees with
 *   the other series (store/verified.ts);
 * - periods: in every minute, the 6,000 ms10 windows, the 60 seconds and the minute have one sum.
 *   Periods that retention has deleted are left out;
 * - counted: the sum of all minutes is what was found when the folder was opened, plus what was
 *   swept from the ring since, minus what retention deleted and a failing disk lost.
 *
 * Memory is one block per period and the places found.
 */
import {
  alignDown,
  alignUp,
  type Damage,
  isAnyCounted,
  type LogMoment,
  min,
  type Period,
  type PeriodName,
  parseFromTo,
  periodNames,
  periods,
  quantity,
  sliceOf,
  totalOf,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks } from './chunks.ts';
import type { DataFolder } from './data-folder.ts';

/** The totals that a server keeps in memory, at the moment of the view. */
export interface Counted {
  readonly messagesInAll: number;
  readonly messagesSinceStart: number;
}

/** A span [from, to), epoch ms, of one period or of an archive file, and what is wrong with it. */
export interface Place {
  readonly period: PeriodName | 'archive';
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export interface AuditCheck {
  readonly name: 'blocks' | 'periods' | 'counted' | 'archive';
  readonly ok: boolean;
  /** True if the check could not be made; `ok` then says nothing about it. */
  readonly unchecked?: boolean;
  readonly says: string;
}

/** The archive of a stopped server, in the hours of the range. */
export interface ArchiveFound {
  readonly files: number;
  /** Files that could not be read. */
  readonly unread: number;
  readonly messages: number;
  /** Messages counted between its first and its last hour that it does not have. */
  readonly notArchived: number;
}

export interface Audit {
  readonly ok: boolean;
  /** Whole minutes, epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly checks: readonly AuditCheck[];
  /** Which moment the logs among the counts mark; see `commonMoment`. */
  readonly moment?: LogMoment | undefined;
  /** Messages in the range, by period. */
  readonly messages: Readonly<Record<PeriodName, number>>;
  /** The first `mostPlaces` places where a check fails. */
  readonly places: readonly Place[];
  /** The first `mostPlaces` places that a repair could not save; every query reports them. */
  readonly gone: readonly Place[];
  /** Only for the folder of a stopped server that has an archive. */
  readonly archive?: ArchiveFound;
}

/** More than anybody reads; the checks say how many there are. */
export const mostPlaces = 100;

/** A range as users write it. A missing end is unbounded. */
export interface AskedRange {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The requested range, widened to whole minutes; epoch ms.
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export function wholeMinutes(
  asked: AskedRange,
  nowMs: number,
): { readonly from: number; readonly to: number } {
  const { from = 0, to = Number.POSITIVE_INFINITY } = parseFromTo(asked, nowMs);
  return { from: alignDown(from, min.windowMs), to: alignUp(to, min.windowMs) };
}

/**
 * @param nowMs the present, which ages in the range count back from; epoch ms
 * @param signal aborts the audit between two minutes
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE; the signal's reason
 */
export async function audit(
  view: CountsView,
  counted: Counted,
  asked: AskedRange,
  nowMs: number,
  signal?: AbortSignal,
): Promise<Audit> {
  const range = wholeMinutes(asked, nowMs);
  const { from } = range;
  const to = Math.min(range.to, endOf(view));

  const found = await compare(view, { from, to: Math.max(from, to) }, signal);
  const checks = [
    blocksCheck(found),
    periodsCheck(found),
    countedCheck(counted, await totalOfAll(view)),
  ];
  return {
    ok: checks.every(({ ok }) => ok),
    from,
    to,
    checks,
    moment: view.moment,
    messages: found.messages,
    places: [...found.damaged.places, ...found.disagreeing.places].slice(0, mostPlaces),
    gone: found.gone.places.slice(0, mostPlaces),
  };
}

/** Audits all counts of a folder that no server holds. @param nowMs the present, epoch ms */
export async function auditFolder(data: DataFolder, nowMs: number): Promise<Audit> {
  const view = await data.view(min, nowMs);
  try {
    const counted = { messagesInAll: data.recovered.messages, messagesSinceStart: 0 };
    return await audit(view, counted, {}, nowMs);
  } finally {
    await view.store.close();
  }
}

interface Found {
  readonly blocks: number;
  readonly minutes: number;
  readonly messages: Record<PeriodName, number>;
  readonly damaged: Places;
  readonly disagreeing: Places;
  readonly gone: Places;
}

/** Reads the three periods side by side, minute by minute. */
async function compare(
  view: CountsView,
  range: { readonly from: number; readonly to: number },
  signal: AbortSignal | undefined,
): Promise<Found> {
  const [damaged, disagreeing, gone] = [new Places(), new Places(), new Places()];
  const messages = { ms10: 0, sec: 0, min: 0 };
  let blocks = 0;
  let minutes = 0;
  const columns = periodNames.map((name) => {
    const onDamage = (damage: Damage): void => {
      const { from, to, reason } = damage;
      (damage.gone ? gone : damaged).add({ period: name, from, to, reason });
    };
    const totals = minuteTotals(view, periods[name], range, onDamage, () => blocks++);
    return { name, totals, head: undefined as Total | undefined };
  });
  for (const column of columns) column.head = await next(column.totals);

  for (;;) {
    signal?.throwIfAborted();
    const heads = columns.flatMap(({ head }) => head ?? []);
    if (heads.length === 0) break;
    const start = Math.min(...heads.map((head) => head.start));
    // Every column is at this minute or beyond it, so all damage up to it is known.
    const known = columns.filter(
      ({ name }) =>
        start >= view.deletedBefore[name] &&
        !damaged.holds(name, start) &&
        !gone.holds(name, start),
    );
    const totals = known.map(({ head }) => (head?.start === start ? head.total : undefined));
    if (totals.some((total) => total !== totals[0])) {
      const text = known.map(({ name }, index) => `${name} ${totals[index] ?? 'nothing'}`);
      const reason = `its periods do not agree: ${text.join(', ')}`;
      disagreeing.add({ period: 'min', from: start, to: start + min.windowMs, reason });
    }
    minutes++;
    for (const column of columns) {
      if (column.head?.start !== start) continue;
      messages[column.name] += column.head.total;
      column.head = await next(column.totals);
    }
  }
  return { blocks, minutes, messages, damaged, disagreeing, gone };
}

/** The messages of one minute, which starts at `start`, epoch ms. */
interface Total {
  readonly start: number;
  readonly total: number;
}

async function next(totals: AsyncGenerator<Total>): Promise<Total | undefined> {
  const { done, value } = await totals.next();
  return done === true ? undefined : value;
}

/** The total of every minute with a counted window. */
async function* minuteTotals(
  view: CountsView,
  period: Period,
  range: { readonly from: number; readonly to: number },
  onDamage: (damage: Damage) => void,
  onBlock: () => void,
): AsyncGenerator<Total> {
  const perMinute = min.windowMs / period.windowMs;
  for await (const { start, windows } of readChunks(view, period, range, onDamage)) {
    onBlock();
    for (let at = 0; at < windows.counts.length; at += perMinute) {
      const minute = sliceOf(windows, at, at + perMinute);
      if (isAnyCounted(minute))
        yield { start: start + at * period.windowMs, total: totalOf(minute) };
    }
  }
}

/** End of the newest counted minute, epoch ms. */
function endOf(view: CountsView): number {
  return alignUp(view.countedEnd ?? view.newestEnd, min.windowMs);
}

async function totalOfAll(view: CountsView): Promise<number> {
  let total = 0;
  // `compare` reports damage; here it makes the sum too small.
  const everything = { from: 0, to: endOf(view) };
  for await (const { windows } of readChunks(view, min, everything, () => undefined))
    total += totalOf(windows);
  return total;
}

function blocksCheck({ blocks, damaged }: Found): AuditCheck {
  const ok = damaged.count === 0;
  const says = ok
    ? `${quantity(blocks, 'block')} read: every checksum and total is right`
    : `${damaged.count} of the blocks cannot be trusted or are missing, ${blocks} are whole`;
  return { name: 'blocks', ok, says };
}

function periodsCheck({ minutes, disagreeing }: Found): AuditCheck {
  const ok = disagreeing.count === 0;
  const says = ok
    ? `${quantity(minutes, 'minute')} compared: ms10, sec and min add up to the same`
    : `${quantity(minutes, 'minute')} compared: ms10, sec and min differ in ${disagreeing.count}`;
  return { name: 'periods', ok, says };
}

function countedCheck(counted: Counted, got: number): AuditCheck {
  const { messagesInAll, messagesSinceStart } = counted;
  const before = messagesInAll - messagesSinceStart;
  const sum = `${before} found at the start + ${messagesSinceStart} since = ${messagesInAll}`;
  return {
    name: 'counted',
    ok: got === messagesInAll,
    says: `${sum}; the store and memory hold ${got}`,
  };
}

/** Places in order of time; adjacent ones of a period are joined. */
class Places {
  readonly places: Place[] = [];
  /** The places added, before any were joined. */
  count = 0;

  add(place: Place): void {
    this.count++;
    const index = this.places.findLastIndex(({ period }) => period === place.period);
    const before = this.places[index];
    if (before?.to === place.from && before.reason === place.reason)
      this.places[index] = { ...before, to: place.to };
    else this.places.push(place);
  }

  holds(period: PeriodName, timeMs: number): boolean {
    return this.places.some(
      (place) => place.period === period && place.from <= timeMs && timeMs < place.to,
    );
  }
}
