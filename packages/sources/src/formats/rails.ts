/**
 * Rails, its log of an application: the line as a request comes, the start.
 *
 *     [I, [YYYY-MM-DDTHH:MM:SS.ffffff #pid]  INFO -- : [tag] ]Started GET "/a?b" for client at YYYY-MM-DD HH:MM:SS ±hhmm
 *
 * Ruby's Logger puts a local time with µs in front, which is written just after the other: it adds
 * the fraction. The other lines of a request tell what it did.
 */
import { comma, indexOf, openBracket, quote, space, startsWith, textBytes } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isMethod } from '../request.ts';
import { Instant } from '../time/instant.ts';
import { utc } from '../time/zone.ts';
import { endOfQuoted } from './clf.ts';

const started = textBytes('Started ');
const forMark = textBytes(' for ');
const atMark = textBytes(' at ');
const timeLength = 'YYYY-MM-DD HH:MM:SS +0000'.length;
const capitalS = 0x53;
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Zones differ by multiples of it. */
const zoneStepMs = 15 * minuteMs;
/** Ruby takes the one time just before the other. */
const maxLaterMs = 10_000;

/** Behind `Started `, at the start of the line or behind a blank; -1 without it. */
function behindStarted(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at !== -1; at = indexOf(bytes, capitalS, at + 1, to)) {
    const isWord = at === from || bytes[at - 1] === space;
    if (isWord && startsWith(bytes, at, to, started)) return at + started.length;
  }
  return -1;
}

export const rails: LogFormat = {
  name: 'rails',
  title: 'Rails, Started GET …',
  example: 'Started GET "/" for 192.0.2.7 at 2016-05-28 11:11:11 +0000',
  resolution: '1 s, 1 µs behind Logger',
  moment: 'start',
  isGeneral: true,
  parser() {
    const front = new Instant();
    let method = 0;
    let target = 0;
    let targetEnd = 0;
    return {
      describe(bytes, _from, to, request) {
        request.method.set(bytes, method, target - 2);
        request.setTarget(bytes, target, targetEnd);
        const client = targetEnd + 1 + forMark.length;
        request.setClient(bytes, client, to - timeLength - atMark.length);
      },
      parse(bytes, from, to, stamp) {
        method = behindStarted(bytes, from, to);
        target = method === -1 ? 0 : indexOf(bytes, quote, method, to) + 1;
        targetEnd = target === 0 ? -1 : endOfQuoted(bytes, target, to);
        const isRequest =
          targetEnd !== -1 &&
          isMethod(bytes, method, target - 2) &&
          startsWith(bytes, targetEnd + 1, to, forMark);
        if (!isRequest) return 'no request of this format';
        const at = to - timeLength;
        const { time } = stamp;
        const isTime =
          startsWith(bytes, at - atMark.length, to, atMark) && time.readIso(bytes, at, to, utc);
        if (!isTime) return 'no time that can be read';
        stamp.hasDuration = false;
        const isLogger = bytes[from + 1] === comma && bytes[from + 3] === openBracket;
        if (isLogger && front.readIso(bytes, from + 4, indexOf(bytes, space, from + 4, to), utc)) {
          // The line may be written in the next second.
          const difference = (front.ms % minuteMs) - (time.ms % minuteMs);
          const later = difference < 0 ? difference + minuteMs : difference;
          const zoneMs = Math.abs(front.ms - later - time.ms);
          // Else one of the two is damaged.
          if (later < maxLaterMs && zoneMs < dayMs && zoneMs % zoneStepMs === 0) {
            time.ms += later;
            time.ns = front.ns;
            time.digits = front.digits;
          }
        }
        return undefined;
      },
    };
  },
};
