/**
 * What a head says of its body, and so when its message counts.
 *
 * Most heads decide by themselves: no body, or a Content-Length that is a plain number within
 * --max-body. Such a body cannot be malformed, and uWebSockets.js throws it away unread. All others
 * go the slow way, since uWebSockets.js hands over a request before it has looked at its body, and a
 * message that it refuses afterwards must not have been counted.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { bytesOf } from './header-name.ts';

const contentLength = bytesOf('content-length');
const transferEncoding = bytesOf('transfer-encoding');
const trailer = bytesOf('trailer');

/** Whether the head alone says that the message is one to count. */
export function headDecides(request: HttpRequest, mostBytes: number): boolean {
  const length = request.getHeader(contentLength);
  return length === ''
    ? request.getHeader(transferEncoding) === ''
    : isNumberUpTo(length, mostBytes);
}

function isNumberUpTo(text: string, most: number): boolean {
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return false;
    value = value * 10 + digit;
    if (value > most) return false;
  }
  return true;
}

/**
 * Whether the body is chunked, without a length and without announced trailers: both parsers take a
 * trailer for the beginning of the next request.
 */
export function isChunked(request: HttpRequest): boolean {
  return (
    request.getHeader(contentLength) === '' &&
    request.getHeader(transferEncoding).toLowerCase() === 'chunked' &&
    request.getHeader(trailer) === ''
  );
}

/**
 * The slow way: reads a body to its end and then calls `whole`. Everything that is malformed is cut
 * off by closing the connection: a length that is no number or too large, another transfer coding
 * than chunked, trailers, chunks that grow above `mostBytes`. Closing, since an answer would let the
 * parser go on with whatever follows as if it were the next request.
 */
export function takeBody(
  response: HttpResponse,
  request: HttpRequest,
  mostBytes: number,
  whole: (response: HttpResponse) => void,
): void {
  if (!headDecides(request, mostBytes) && !isChunked(request)) {
    response.close();
    return;
  }
  let leftBytes = mostBytes;
  // The connection is gone and nothing was counted: there is nothing to do.
  response.onAborted(() => undefined);
  response.onData((piece, isLast) => {
    leftBytes -= piece.byteLength;
    if (leftBytes < 0) response.close();
    else if (isLast) whole(response);
  });
}
