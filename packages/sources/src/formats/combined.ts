/**
 * NCSA common and combined log format:
 *
 *     [host ]client ident user [DD/Mon/YYYY:HH:MM:SS ±hhmm] "request" status bytes[ "referer" "agent"]…
 *
 * nginx writes the line when the request ends and stamps that moment; Apache stamps the start
 * (mod_log_config, `%t`). The line does not say which, and at a second's resolution it rarely
 * matters: the format says end, and `apache` says start.
 */
import type { LogFormat } from '../format.ts';
import { describeClf, hasRequest, readBracketDate } from './clf.ts';

export const combined: LogFormat = {
  name: 'combined',
  title: 'NCSA common or combined',
  example: '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"',
  resolution: '1 s',
  moment: 'end',
  isGeneral: true,
  parser: ({ zone }) => ({
    describe: describeClf,
    parse(bytes, from, to, stamp) {
      const end = readBracketDate(bytes, from, to, stamp.time, zone);
      if (end === -1) return 'no time that can be read';
      stamp.hasDuration = false;
      // A fraction of a second is Apache's.
      return stamp.time.digits === 0 && hasRequest(bytes, end, to)
        ? undefined
        : 'no request of this format';
    },
  }),
};
