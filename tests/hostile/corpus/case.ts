/**
 * A case of the corpus: bytes, and the outcome that RFC 9112, RFC 9110 and the contract
 * (docs/security.md) require.
 */

/** How a case may end, besides the number of its messages. */
type End =
  /** Every message is answered, and the connection accepts more. */
  | 'open'
  /** Refused: an answer other than 200, or a closed connection. */
  | 'refused'
  /** Incomplete: the server waits, and gives up within its time limit. */
  | 'waits';

export interface Outcome {
  /** The number of messages answered 200 and counted. */
  readonly counted: number;
  readonly end: End;
}

export interface Case {
  readonly name: string;
  /** One byte per character. */
  readonly bytes: string;
  /** The outcomes that the RFCs allow; they recommend the first. */
  readonly want: readonly Outcome[];
}

export const one: Outcome = { counted: 1, end: 'open' };
export const two: Outcome = { counted: 2, end: 'open' };
export const refused: Outcome = { counted: 0, end: 'refused' };
export const oneThenRefused: Outcome = { counted: 1, end: 'refused' };
export const waits: Outcome = { counted: 0, end: 'waits' };
/** A message and the beginning of another. */
export const oneThenWaits: Outcome = { counted: 1, end: 'waits' };

export function counted(messages: number): Outcome {
  return { counted: messages, end: 'open' };
}

export const host = 'Host: reto3\r\n';
/** A well-formed message. */
export const get = `GET / HTTP/1.1\r\n${host}\r\n`;

/** A head with this request line. */
export function line(requestLine: string): string {
  return `${requestLine}\r\n${host}\r\n`;
}

/** A GET with these header lines. */
export function getWith(...headers: readonly string[]): string {
  return `GET / HTTP/1.1\r\n${host}${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
}

/** A POST with these header lines, followed by `body`. */
export function post(headers: readonly string[], rest = ''): string {
  return `POST / HTTP/1.1\r\n${host}${headers.map((header) => `${header}\r\n`).join('')}\r\n${rest}`;
}

/** A chunked POST; `body` is its encoded form. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body);
}
