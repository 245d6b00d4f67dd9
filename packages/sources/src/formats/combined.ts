/**
 * NCSA common and combined log format:
 *
 *     [host ]client ident user [DD/Mon/YYYY:HH:MM:SS ±hhmm] "request" status bytes[ "referer" "agent"]…
 *
 * Whatever directly follows the bracket in quotes is the request, even `"-"`. Programs that write
 * other fields between, or begin with the bracket (Django, Apache's ssl_request_log), have the
 * request as the first quoted field behind that names a method.
 *
 * nginx stamps the end of a request, Apache its start (mod_log_config, `%t`). The line does not say
 * which, and in whole seconds it rarely matters: this format says end, `apache` says start.
 */
import type { LogFormat } from '../format.ts';
import { describeClf, hasRequest, readBracketDate, requestLine } from './clf.ts';

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
      if (stamp.time.digits > 0) return 'no request of this format';
      return hasRequest(bytes, end, to) || requestLine(bytes, end, to) !== -1
        ? undefined
        : 'no request of this format';
    },
  }),
};
