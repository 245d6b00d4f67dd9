/**
 * The decoder of everything that the stream and the nodes send. Anyone with permission to publish can
 * send anything, with a valid checksum, so this checks all of it before the merger sees it: the node's
 * name, the form of the message, and that its times are not in the future.
 *
 * What passes cannot make the merger fail, and cannot hold up other nodes.
 */
import { isPlainName } from '@reto3/core';
import { BadMessage, decodeMessage, type NodeMessage } from './message.ts';
import { decodeReportMessage, isReportMessage, type ReportMessage } from './report-message.ts';
import { mostSecondTotal, totalOfSecond } from './second.ts';

/** How far a node's clock may be ahead of the merger's. */
export const mostAheadMs = 60_000;
/**
 * How far a boot may be ahead of the merger's clock. A boot is the time of a start, and a clock that
 * takes local time for UTC is wrong by 14 hours at most. A node whose name sent a later boot is not
 * heard until its own boots are as late, so that has to be soon.
 */
export const mostBootAheadMs = 86_400_000;
/** How far a report may place a message ahead of the node's own clock. */
const reportAheadMs = 60_000;
/** The last time that a Date can hold. */
const mostBoot = 8_640_000_000_000_000;

export type Incoming =
  | { readonly node: string; readonly counts: NodeMessage }
  | {
      readonly node: string;
      readonly reports: ReportMessage;
      /** Why some windows were left out, whose times clients chose. */
      readonly leftOut?: BadMessage;
    };

/**
 * @param subjects prefix of the nodes' subjects
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
    const reports = decodeReportMessage(data, node);
    assertBoots(reports.boot, reports.lineage, reports.voids);
    const newest = Math.max(...Object.values(reports.marks));
    const boot = Math.max(reports.boot, reports.voids);
    assertNotAhead(newest, boot, nowMs);
    const windows = reports.windows.filter(({ start }) => start <= latest + reportAheadMs);
    const ahead = reports.windows.length - windows.length;
    if (ahead === 0) return { node, reports };
    const leftOut = new BadMessage(`${ahead} windows of its reports are far ahead of now`);
    return { node, reports: { ...reports, windows }, leftOut };
  }
  const counts = decodeMessage(data, node);
  const { boot, mark, clock, seconds } = counts;
  assertBoots(boot);
  // A node that counted while its clock was ahead vouches from then on; that voids nothing earlier.
  const newest = Math.max(mark, clock, seconds.at(-1)?.start ?? 0);
  assertNotAhead(newest, boot, nowMs);
  for (const { start, packed } of seconds) {
    const total = totalOfSecond(packed);
    if (total > mostSecondTotal)
      throw new BadMessage(`got ${total} messages at ${start}, want at most ${mostSecondTotal}`);
  }
  return { node, counts };
}

/**
 * One of the two clocks is wrong. Once it is right, the merger compares what it rejected with the node.
 * @throws BadMessage
 */
function assertNotAhead(newest: number, boot: number, nowMs: number): void {
  const clock = "ahead of this server's clock";
  if (newest > nowMs + mostAheadMs)
    throw new BadMessage(`its times are ${Math.round(newest - nowMs)} ms ${clock}`);
  if (boot > nowMs + mostBootAheadMs)
    throw new BadMessage(`its boot is ${Math.round(boot - nowMs)} ms ${clock}`);
}

/** @throws BadMessage if the subject is not that of a node */
function nodeOf(subject: string, subjects: string): string {
  const name = subject.startsWith(`${subjects}.`) ? subject.slice(subjects.length + 1) : '';
  if (isPlainName(name)) return name;
  throw new BadMessage('its subject does not end with the name of a node');
}

/** Whether any clock, right or wrong, can have shown this number to a server that started. */
export function isBoot(boot: number): boolean {
  return Number.isSafeInteger(boot) && boot >= 0 && boot <= mostBoot;
}

/** @throws BadMessage */
function assertBoots(...boots: readonly number[]): void {
  for (const boot of boots)
    if (!isBoot(boot)) throw new BadMessage(`got boot ${boot}, want at most ${mostBoot}`);
}
