/**
 * Decides from the headers whether a request can be counted at once, and reads the body otherwise.
 *
 * Most requests can: they have no body, or a Content-Length that is a plain number within
 * --max-body. Such a body cannot be malformed, and uWebSockets.js drops it unread. All others are
 * counted after their body has been parsed, because uWebSockets.js passes on a request before it
 * looks at the body, and a message that it rejects later must not have been counted.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { bytesOf } from './header-name.ts';

const contentLength = bytesOf('content-length');
const transferEncoding = bytesOf('transfer-encoding');
const trailer = bytesOf('trailer');

/** Whether the headers suffice to count the request. */
export function canCountFromHeaders(request: HttpRequest, maxBytes: number): boolean {
  const length = request.getHeader(contentLength);
  return length === ''
    ? request.getHeader(transferEncoding) === ''
    : isNumberUpTo(length, maxBytes);
}

function isNumberUpTo(text: string, max: number): boolean {
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return false;
    value = value * 10 + digit;
    if (value > max) return false;
  }
  return true;
}

/**
 * Whether the headers say that there is no body. Do not wait for its end then: uWebSockets.js does
 * not announce it if the head came in several packets and has `Content-Length: 0`.
 */
export function hasNoBody(request: HttpRequest): boolean {
  return canCountFromHeaders(request, 0);
}

/**
 * Whether the body is chunked, has no length and announces no trailers: both parsers take a trailer
 * for the start of the next request.
 */
export function isChunked(request: HttpRequest): boolean {
  return (
    request.getHeader(contentLength) === '' &&
    request.getHeader(transferEncoding).toLowerCase() === 'chunked' &&
    request.getHeader(trailer) === ''
  );
}

/**
 * Reads a body to its end and then calls `onEnd`; at once if there is none. Closes the connection if the request is
 * malformed: a length that is not a number or too large, a transfer coding other than chunked,
 * trailers, chunks of more than `maxBytes` in total. An error response instead would let the parser
 * go on and take the following bytes for the next request.
 */
export function takeBody(
  response: HttpResponse,
  request: HttpRequest,
  maxBytes: number,
  onEnd: (response: HttpResponse) => void,
): void {
  if (!canCountFromHeaders(request, maxBytes) && !isChunked(request)) {
    response.close();
    return;
  }
  if (hasNoBody(request)) {
    onEnd(response);
    return;
  }
  let leftBytes = maxBytes;
  // The connection is lost and nothing was counted, so there is nothing to do.
  response.onAborted(() => undefined);
  response.onData((piece, isLast) => {
    leftBytes -= piece.byteLength;
    if (leftBytes < 0) response.close();
    else if (isLast) onEnd(response);
  });
}
