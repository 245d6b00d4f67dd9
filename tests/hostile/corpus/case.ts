/**
 * A case of the corpus: bytes, and what RFC 9112, RFC 9110 and the contract (docs/security.md) say
 * that must become of them.
 */

/** How a case may end, beside the number of messages that it holds. */
type End =
  /** Answered as often as there are messages, and the connection is good for more. */
  | 'open'
  /** Refused: an answer that is not 200, or the connection closed. */
  | 'refused'
  /** Not complete: the server waits, and gives up within its time limit. */
  | 'waits';

export interface Outcome {
  /** Messages that are answered 200, and counted. */
  readonly counted: number;
  readonly end: End;
}

export interface Case {
  readonly name: string;
  /** Each character one byte. */
  readonly bytes: string;
  /** The outcomes that the RFCs allow; the first is the one that they recommend. */
  readonly want: readonly Outcome[];
}

export const one: Outcome = { counted: 1, end: 'open' };
export const two: Outcome = { counted: 2, end: 'open' };
export const refused: Outcome = { counted: 0, end: 'refused' };
export const oneThenRefused: Outcome = { counted: 1, end: 'refused' };
export const waits: Outcome = { counted: 0, end: 'waits' };
/** A message, and the beginning of another. */
export const oneThenWaits: Outcome = { counted: 1, end: 'waits' };

export function counted(messages: number): Outcome {
  return { counted: messages, end: 'open' };
}

export const host = 'Host: reto3\r\n';
/** A message as it should be. */
export const get = `GET / HTTP/1.1\r\n${host}\r\n`;

/** A head with this request line. */
export function line(requestLine: string): string {
  return `${requestLine}\r\n${host}\r\n`;
}

/** A GET with these header lines. */
export function getWith(...headers: readonly string[]): string {
  return `GET / HTTP/1.1\r\n${host}${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
}

/** A POST with these header lines, and what follows its head. */
export function post(headers: readonly string[], rest = ''): string {
  return `POST / HTTP/1.1\r\n${host}${headers.map((header) => `${header}\r\n`).join('')}\r\n${rest}`;
}

/** A chunked POST, with its body as it stands on the wire. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body);
}
