/** Randomly mutated requests, repeatable by seed. */
import { chunked, get, getWith, line, post } from '../corpus/case.ts';

/** A random number generator. */
export interface Chance {
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

const templates = [
  get,
  post(
    ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 32'],
    'value=2016-05-28 11:11:11.012345',
  ),
  post(['Content-Length: 0']),
  chunked('5\r\nhello\r\n0\r\n\r\n'),
  chunked('a\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n'),
  line('HEAD /a/b?c=d HTTP/1.1'),
  line('PUT /a HTTP/1.1'),
  getWith('Connection: keep-alive', 'User-Agent: reto3', 'Accept: */*'),
  getWith('Upgrade: websocket', 'Connection: Upgrade'),
];

const tokens = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '/', '\x7f', '\xff', '0', '9', 'f'],
  ...['\r\n\r\n', '0\r\n\r\n', 'Content-Length: 5\r\n', 'Content-Length: 99999999999\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: x\r\n', 'Host: a\r\n', ' HTTP/1.1'],
  ...['HTTP/1.0', '-1', 'ffffffffffffffff\r\n', 'Connection: close\r\n', 'A'.repeat(300)],
];

function once(bytes: string, chance: Chance): string {
  const at = chance.between(0, bytes.length);
  const to = Math.min(bytes.length, at + chance.between(1, 12));
  const [front, part, back] = [bytes.slice(0, at), bytes.slice(at, to), bytes.slice(to)];
  switch (chance.between(0, 6)) {
    case 0:
      return front + back;
    case 1:
      return front + part + part + back;
    case 2:
      return front + chance.pick(tokens) + part + back;
    case 3:
      return front + chance.pick(tokens) + back;
    case 4:
      return front + String.fromCharCode(chance.between(0, 255)) + bytes.slice(at + 1);
    case 5:
      return front + chance.pick(templates).slice(chance.between(0, 40));
    default:
      return front;
  }
}

/** A request with up to three mutations; one in four has none. */
export function mutated(chance: Chance): string {
  let bytes = chance.pick(templates);
  for (let left = chance.between(0, 3); left > 0; left--) bytes = once(bytes, chance);
  return bytes === '' ? '\r\n' : bytes;
}
