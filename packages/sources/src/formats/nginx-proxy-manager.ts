/**
 * Nginx Proxy Manager, proxy hosts and redirections:
 *
 *     [DD/Mon/YYYY:HH:MM:SS ±hhmm] - 200 200 - GET https host "/a?b" [Client address] [Length 612] … "agent" "referer"
 *     [DD/Mon/YYYY:HH:MM:SS ±hhmm] 301 - GET https host "/a?b" [Client address] …
 *
 * The status is the number before the last dash. The time is the end.
 */
import {
  closeBracket,
  indexOf,
  minus,
  openBracket,
  quote,
  startsWith,
  textBytes,
} from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isMethod, isStatus } from '../request.ts';
import { endOfQuoted, type Field, fieldBefore, readBracketDate } from './clf.ts';

const clientMark = textBytes(' [Client ');

export const nginxProxyManager: LogFormat = {
  name: 'nginx-proxy-manager',
  title: 'Nginx Proxy Manager',
  example:
    '[28/May/2016:11:11:11 +0000] - 200 200 - GET https example.com "/" [Client 192.0.2.7] [Length 612] [Gzip -] [Sent-to 198.51.100.2] "curl/8.5.0" "-"',
  resolution: '1 s',
  moment: 'end',
  parser({ zone }) {
    const host: Field = { from: 0, to: 0 };
    const scheme: Field = { from: 0, to: 0 };
    const method: Field = { from: 0, to: 0 };
    const dash: Field = { from: 0, to: 0 };
    const status: Field = { from: 0, to: 0 };
    const backwards = [host, scheme, method, dash, status];
    let target = 0;
    let targetEnd = 0;
    return {
      describe(bytes, _from, to, request) {
        request.host.set(bytes, host.from, host.to);
        request.method.set(bytes, method.from, method.to);
        request.setTarget(bytes, target, targetEnd);
        request.setStatus(bytes, status.from, status.to);
        const client = targetEnd + 1 + clientMark.length;
        const close = indexOf(bytes, closeBracket, client, to);
        if (close !== -1) request.setClient(bytes, client, close);
        const agent = indexOf(bytes, quote, client, to) + 1;
        const agentEnd = agent === 0 ? -1 : endOfQuoted(bytes, agent, to);
        if (agentEnd !== -1) request.agent.set(bytes, agent, agentEnd);
      },
      parse(bytes, from, to, stamp) {
        if (bytes[from] !== openBracket) return 'no request of this format';
        const begin = readBracketDate(bytes, from, to, stamp.time, zone);
        if (begin === -1) return 'no time that can be read';
        target = indexOf(bytes, quote, begin, to) + 1;
        targetEnd = target === 0 ? -1 : endOfQuoted(bytes, target, to);
        if (targetEnd === -1 || !startsWith(bytes, targetEnd + 1, to, clientMark))
          return 'no request of this format';
        let end = target - 1;
        for (const field of backwards) if (end !== -1) end = fieldBefore(bytes, begin, end, field);
        // Without a method it is a bad request.
        const isRequest =
          end !== -1 &&
          (isMethod(bytes, method.from, method.to) || bytes[method.from] === minus) &&
          isStatus(bytes, status.from, status.to);
        stamp.hasDuration = false;
        return isRequest ? undefined : 'no request of this format';
      },
    };
  },
};
