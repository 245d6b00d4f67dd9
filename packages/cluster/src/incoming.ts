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

/** Times that have not come yet by the merger's clock. One of the two clocks is wrong. */
export class AheadOfClock extends BadMessage {
  readonly node: string;
  /** Since when the node's seconds are missing now, epoch ms. */
  readonly since: number;

  constructor(node: string, latest: number, since: number, nowMs: number) {
    super(`its times are ${Math.round(latest - nowMs)} ms ahead of this server's clock`);
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
    if (mark > latest) throw new AheadOfClock(node, mark, nowMs, nowMs);
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
  if (newest > latest)
    throw new AheadOfClock(node, newest, Math.min(nowMs, seconds[0]?.start ?? nowMs), nowMs);
  for (const { start, packed } of seconds) {
    const total = totalOfSecond(packed);
    if (total > mostSecondTotal)
      throw new BadMessage(`got ${total} messages at ${start}, want at most ${mostSecondTotal}`);
  }
  return { node, counts };
}

/** @throws BadMessage where the subject is not that of a node */
function nodeOf(subject: string, subjects: string): string {
  const name = subject.startsWith(`${subjects}.`) ? subject.slice(subjects.length + 1) : '';
  if (isPlainName(name)) return name;
  throw new BadMessage('its subject does not end with the name of a node');
}

/**
 * Whether a server may have this number. A clock that was once wrong leaves boots ahead of now, so
 * only what no clock can show is none.
 */
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
