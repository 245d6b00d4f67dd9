/**
 * Amazon S3 server access log:
 *
 *     owner bucket [DD/Mon/YYYY:HH:MM:SS +0000] client requester id operation key "request" status …
 *
 * "The time at which the request was received", in whole seconds: the start. Lifecycle actions, and
 * the single keys of a multi-object delete, have no request.
 */
import { closeBracket, indexOf, minus, quote, space } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { endOfQuoted, readBracketDate } from './clf.ts';

const fieldsBeforeRequest = 5;

/** The index of the field `count` blanks behind `from`, or -1. */
function skipFields(bytes: Uint8Array, from: number, to: number, count: number): number {
  let at = from;
  for (let field = 0; field < count; field++) {
    at = indexOf(bytes, space, at, to) + 1;
    if (at === 0) return -1;
  }
  return at;
}

export const s3: LogFormat = {
  name: 's3',
  title: 'Amazon S3 server access log',
  example:
    '79a59df900b949e5 example-bucket [28/May/2016:11:11:11 +0000] 192.0.2.7 79a59df900b949e5 3E57427F3 REST.GET.OBJECT index.html "GET /index.html HTTP/1.1" 200 - 612 612 10 9 "-" "curl/8.5.0" -',
  resolution: '1 s',
  moment: 'start',
  parser: ({ zone }) => ({
    describe(bytes, from, to, request) {
      const client = indexOf(bytes, closeBracket, from, to) + 2;
      request.setClient(bytes, client, indexOf(bytes, space, client, to));
      const line = skipFields(bytes, client, to, fieldsBeforeRequest) + 1;
      const end = endOfQuoted(bytes, line, to);
      if (end === -1) return;
      request.setLine(bytes, line, end);
      request.setStatus(bytes, end + 2, Math.min(to, end + 5));
    },
    parse(bytes, from, to, stamp) {
      const end = readBracketDate(bytes, from, to, stamp.time, zone);
      if (end === -1) return 'no time that can be read';
      stamp.hasDuration = false;
      const request = skipFields(bytes, end + 1, to, fieldsBeforeRequest);
      const isRequest =
        bytes[end + 1] !== quote &&
        request !== -1 &&
        bytes[request] === quote &&
        bytes[request + 1] !== minus;
      return isRequest ? undefined : 'no request of this format';
    },
  }),
};
