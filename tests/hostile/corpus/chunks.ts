/** Chunked bodies: sizes, extensions, trailers, line ends (RFC 9112 section 7.1). */
import {
  type Case,
  chunked,
  get,
  host,
  one,
  oneThenRefused,
  post,
  refused,
  two,
  waits,
} from './case.ts';

/** A chunk that must be refused, followed by a valid message. */
function badChunk(name: string, body: string): Case {
  return { name: `a chunk ${name}`, bytes: chunked(`${body}0\r\n\r\n${get}`), want: [refused] };
}

// If a body is incomplete, the head may decide, as with Content-Length.
export const chunkedBodies: readonly Case[] = [
  { name: 'a chunk', bytes: chunked('5\r\nhello\r\n0\r\n\r\n'), want: [one] },
  { name: 'a chunk, and a message', bytes: chunked(`5\r\nhello\r\n0\r\n\r\n${get}`), want: [two] },
  { name: 'no chunk', bytes: chunked(`0\r\n\r\n${get}`), want: [two] },
  { name: 'many chunks', bytes: chunked(`${'1\r\na\r\n'.repeat(50)}0\r\n\r\n${get}`), want: [two] },
  {
    name: 'sizes in hexadecimal, both cases',
    bytes: chunked(`a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n${get}`),
    want: [two],
  },
  {
    name: 'a size with zeros in front',
    bytes: chunked(`0005\r\nhello\r\n0\r\n\r\n${get}`),
    want: [two],
  },
  { name: 'a last chunk of many zeros', bytes: chunked(`0000\r\n\r\n${get}`), want: [two] },
  {
    name: 'a chunk that looks like a message',
    bytes: chunked(`${get.length.toString(16)}\r\n${get}\r\n0\r\n\r\n`),
    want: [one],
  },
  { name: 'a chunk extension', bytes: chunked(`5;a=b\r\nhello\r\n0\r\n\r\n${get}`), want: [two] },
  {
    name: 'a chunk extension without a value',
    bytes: chunked(`5;x\r\nhello\r\n0\r\n\r\n${get}`),
    want: [two],
  },
  {
    name: 'a chunk extension in quotes',
    bytes: chunked(`5;x="y;z"\r\nhello\r\n0\r\n\r\n${get}`),
    want: [two],
  },
  {
    name: 'an extension of the last chunk',
    bytes: chunked(`5\r\nhello\r\n0;x=y\r\n\r\n${get}`),
    want: [two],
  },
  {
    name: 'a chunk extension of 20,000 bytes',
    bytes: chunked(`5;x=${'y'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n${get}`),
    want: [refused, two],
  },
  {
    name: 'a chunk extension with a bare LF',
    bytes: chunked(`5;x\nhello\r\n0\r\n\r\n${get}`),
    want: [refused, two],
  },
  {
    name: 'a chunk extension with a bare CR',
    bytes: chunked(`5;x\ry\r\nhello\r\n0\r\n\r\n${get}`),
    want: [refused],
  },
  { name: 'a trailer field', bytes: chunked(`0\r\nX: a\r\n\r\n${get}`), want: [two] },
  { name: 'two trailer fields', bytes: chunked(`0\r\nX: a\r\nY: b\r\n\r\n${get}`), want: [two] },
  {
    name: 'a trailer that is a Content-Length',
    bytes: chunked(`0\r\nContent-Length: 5\r\n\r\n${get}`),
    want: [two, refused],
  },
  {
    name: 'a trailer field, announced',
    bytes: post(['Transfer-Encoding: chunked', 'Trailer: X'], `0\r\nX: a\r\n\r\n${get}`),
    want: [two],
  },
  // A parser that skips two bytes after the last chunk takes this for a request.
  {
    name: 'a trailer field that looks like a request line',
    bytes: chunked(`0\r\nabGET: / HTTP/1.1\r\n${host}\r\n`),
    want: [one, refused, oneThenRefused],
  },
  { name: 'a trailer without a colon', bytes: chunked(`0\r\nX\r\n\r\n${get}`), want: [refused] },
  { name: 'bytes behind the last chunk', bytes: chunked(`0\r\nXY${get}`), want: [refused] },
  {
    name: 'a last chunk that lacks its empty line',
    bytes: chunked('5\r\nhello\r\n0\r\n'),
    want: [waits, one],
  },
  { name: 'a last chunk with bare LF', bytes: chunked(`0\n\n${get}`), want: [refused, two] },
  { name: 'chunks with bare LF', bytes: chunked(`5\nhello\n0\n\n${get}`), want: [refused, two] },
  { name: 'chunks with bare CR', bytes: chunked(`5\rhello\r0\r\r${get}`), want: [refused, waits] },
  { name: 'no last chunk', bytes: chunked('5\r\nhello\r\n'), want: [waits, one] },
  { name: 'half a chunk', bytes: chunked('5\r\nhel'), want: [waits, one] },
  { name: 'half a size', bytes: chunked('5'), want: [waits, one] },
  badChunk('with an empty size', '\r\nhello\r\n'),
  badChunk('with a size of letters', 'zz\r\nhello\r\n'),
  badChunk('with a size of G', 'G\r\n0123456789abcdef\r\n'),
  badChunk('with a size of a colon', ':\r\n0123456789\r\n'),
  badChunk('with a minus', '-5\r\nhello\r\n'),
  badChunk('with a plus', '+5\r\nhello\r\n'),
  badChunk('with 0x', '0x5\r\nhello\r\n'),
  badChunk('with an underscore', '0_5\r\nhello\r\n'),
  badChunk('with a space in front', ' 5\r\nhello\r\n'),
  {
    name: 'a chunk with a space behind its size',
    bytes: chunked(`5 \r\nhello\r\n0\r\n\r\n${get}`),
    want: [refused, two],
  },
  badChunk('with a NUL behind its size', '5\0\r\nhello\r\n'),
  badChunk('with a size of 17 digits', '10000000000000005\r\nhello\r\n'),
  badChunk('with a size of 2^64 - 1', 'ffffffffffffffff\r\nhello\r\n'),
  badChunk('with a size of 100 digits', `${'f'.repeat(100)}\r\nhello\r\n`),
  badChunk('with a size of 2^32 + 5', '100000005\r\nhello\r\n'),
  badChunk('that is a byte longer than its size', '5\r\nhello!\r\n'),
  badChunk('that is a byte shorter than its size', '5\r\nhell\r\n'),
  badChunk('without a line end behind it', '5\r\nhello'),
  badChunk('with other bytes for its line end', '5\r\nhelloXY'),
  badChunk('with a decimal point', '5.0\r\nhello\r\n'),
  {
    name: 'a message, and a bad chunk',
    bytes: `${get}${chunked('zz\r\n')}`,
    want: [oneThenRefused],
  },
];
