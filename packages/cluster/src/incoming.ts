/**
 * The decoder of everything that the stream delivers. Whoever may publish can write anything, with
 * a checksum that matches, so all of it is checked here before the merger sees it: the node's name,
 * the form of the message, and that its times have come.
 *
 * What passes cannot make the merger fail, and cannot hold up the other nodes.
 */
import { isPlainName } from '@reto3/core';
import { BadMessage, decodeMessage, type NodeMessage } from './message.ts';
import { decodeReportMessage, isReportMessage, type ReportMessage } from './report-message.ts';
import { mostSecondTotal, totalOfSecond } from './second.ts';

/** How far a node's clock may be ahead of the merger's. */
export const mostAheadMs = 60_000;
/**
 * How far a boot may be ahead of the merger's clock. A boot is the time of a start, unless a clock
 * was wrong before: local time taken for UTC is off by 14 hours at most. Whoever sends a later boot
 * silences the node until its own boots get there, so that has to be soon.
 */
export const mostBootAheadMs = 86_400_000;
/** A report may place a message that much ahead of the node's own clock. */
const reportAheadMs = 60_000;

export type Incoming =
  | { readonly node: string; readonly counts: NodeMessage }
  | {
      readonly node: string;
      readonly reports: ReportMessage;
      /** Why some of its windows were left out: clients choose their times, not the node. */
      readonly leftOut?: BadMessage;
    };

/** Times, or a boot, that have not come yet by the merger's clock. One of the two clocks is wrong. */
export class AheadOfClock extends BadMessage {
  readonly node: string;
  /** Since when the node's seconds are missing now, epoch ms. */
  readonly since: number;

  constructor(node: string, what: string, since: number) {
    super(`${what} ahead of this server's clock`);
    this.node = node;
    this.since = since;
  }
}

/**
 * @param subjects what the subjects of nodes begin with
 * @param nowMs the merger's wall clock
 * @throws BadMessage
 */
export function decodeIncoming(
  subject: string,
  data: Uint8Array,
  { subjects, nowMs }: { readonly subjects: string; readonly nowMs: number },
): Incoming {
  const node = nodeOf(subject, subjects);
  const latest = nowMs + mostAheadMs;
  if (isReportMessage(data)) {
    const said = decodeReportMessage(data, node);
    assertBoots(said.boot, said.lineage, said.voids);
    const mark = Math.max(...Object.values(said.marks));
    assertCome({ node, newest: mark, boot: Math.max(said.boot, said.voids), since: nowMs, nowMs });
    const windows = said.windows.filter(({ start }) => start <= latest + reportAheadMs);
    if (windows.length === said.windows.length) return { node, reports: said };
    const leftOut = new BadMessage(
      `${said.windows.length - windows.length} windows of its reports are far ahead of now`,
    );
    return { node, reports: { ...said, windows }, leftOut };
  }
  const counts = decodeMessage(data, node);
  assertBoots(counts.boot);
  const { mark, clock, vouchedFrom, seconds } = counts;
  const newest = Math.max(mark, clock, vouchedFrom, seconds.at(-1)?.start ?? 0);
  const since = Math.min(nowMs, seconds[0]?.start ?? nowMs);
  assertCome({ node, newest, boot: counts.boot, since, nowMs });
  for (const { start, packed } of seconds) {
    const total = totalOfSecond(packed);
    if (total > mostSecondTotal)
      throw new BadMessage(`got ${total} messages at ${start}, want at most ${mostSecondTotal}`);
  }
  return { node, counts };
}

/** @throws AheadOfClock */
function assertCome(said: {
  readonly node: string;
  /** Its latest time, epoch ms. */
  readonly newest: number;
  readonly boot: number;
  readonly since: number;
  readonly nowMs: number;
}): void {
  const { node, newest, boot, since, nowMs } = said;
  if (newest > nowMs + mostAheadMs)
    throw new AheadOfClock(node, `its times are ${Math.round(newest - nowMs)} ms`, since);
  if (boot > nowMs + mostBootAheadMs)
    throw new AheadOfClock(node, `its boot is ${Math.round(boot - nowMs)} ms`, since);
}

/** @throws BadMessage where the subject is not that of a node */
function nodeOf(subject: string, subjects: string): string {
  const name = subject.startsWith(`${subjects}.`) ? subject.slice(subjects.length + 1) : '';
  if (isPlainName(name)) return name;
  throw new BadMessage('its subject does not end with the name of a node');
}

/** Whether a clock, right or wrong, can have shown this number to a server that started. */
export function isBoot(boot: number): boolean {
  return Number.isSafeInteger(boot) && boot >= 0 && boot <= mostBoot;
}

/** The last time that a Date can hold. */
const mostBoot = 8_640_000_000_000_000;

/** @throws BadMessage */
function assertBoots(...boots: readonly number[]): void {
  for (const boot of boots)
    if (!isBoot(boot)) throw new BadMessage(`got boot ${boot}, want at most ${mostBoot}`);
}
