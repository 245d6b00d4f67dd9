/**
 * Content-Length and Transfer-Encoding, also if they contradict each other (RFC 9112 section 6).
 */
import {
  type Case,
  get,
  getWith,
  one,
  oneThenRefused,
  oneThenWaits,
  post,
  refused,
  two,
  waits,
} from './case.ts';

/** A Content-Length that every server must refuse. */
function lengthOf(name: string, value: string): Case {
  return {
    name: `Content-Length ${name}`,
    bytes: post([`Content-Length:${value}`], `hello${get}`),
    want: [refused],
  };
}

function codingOf(name: string, value: string, rest = `0\r\n\r\n${get}`): Case {
  return {
    name: `Transfer-Encoding ${name}`,
    bytes: post([`Transfer-Encoding:${value}`], rest),
    want: [refused],
  };
}

const five = 'Content-Length: 5';
const chunks = 'Transfer-Encoding: chunked';

export const lengths: readonly Case[] = [
  { name: 'a body of 5 bytes', bytes: post([five], 'hello'), want: [one] },
  { name: 'a body, and a message', bytes: post([five], `hello${get}`), want: [two] },
  { name: 'a body of no bytes', bytes: post(['Content-Length: 0'], get), want: [two] },
  { name: 'a GET with a body', bytes: `${getWith(five)}hello${get}`, want: [two] },
  {
    name: 'a length with zeros in front',
    bytes: post(['Content-Length: 0005'], `hello${get}`),
    want: [two],
  },
  {
    name: 'a length between spaces and tabs',
    bytes: post(['Content-Length: \t 5 \t '], `hello${get}`),
    want: [two],
  },
  // The head decides: the answer may precede the rest of the body.
  {
    name: 'a body that is a byte short',
    bytes: post([five], 'hell'),
    want: [one, waits, oneThenWaits],
  },
  {
    name: 'Expect: 100-continue, and its body',
    bytes: post([five, 'Expect: 100-continue'], 'hello'),
    want: [one],
  },
  lengthOf('empty', ''),
  lengthOf('of spaces', '   '),
  lengthOf('with a minus', ' -5'),
  lengthOf('with a plus', ' +5'),
  lengthOf('with a letter behind', ' 5x'),
  lengthOf('with a letter in front', ' x5'),
  lengthOf('with a byte above 127 behind', ' 5\xff'),
  lengthOf('with a byte above 127 in front', ' \xff5'),
  lengthOf('of two numbers', ' 5 5'),
  lengthOf('in hexadecimal', ' 0x5'),
  lengthOf('with an exponent', ' 5e0'),
  lengthOf('with a fraction', ' 5.0'),
  lengthOf('with a comma', ' 5,'),
  lengthOf('with an underscore', ' 1_0'),
  lengthOf('in full-width digits', ' \xef\xbc\x95'),
  lengthOf('with a NUL', ' 5\0'),
  lengthOf('in quotes', ' "5"'),
  lengthOf('as a list of two that differ', ' 5, 6'),
  lengthOf('of 20 nines', ` ${'9'.repeat(20)}`),
  lengthOf('of 2^64', ' 18446744073709551616'),
  lengthOf('of 2^64 + 5', ' 18446744073709551621'),
  lengthOf('of 2^32 + 5', ' 4294967301'),
  lengthOf('of 400 digits', ` ${'9'.repeat(400)}`),
  {
    name: 'Content-Length as a list of two the same',
    bytes: post(['Content-Length: 5, 5'], `hello${get}`),
    want: [refused, two],
  },
  {
    name: 'two Content-Lengths that differ',
    bytes: post([five, 'Content-Length: 6'], `hello${get}`),
    want: [refused],
  },
  {
    name: 'two Content-Lengths, the second hides a message',
    bytes: post(['Content-Length: 0', `Content-Length: ${get.length}`], get),
    want: [refused],
  },
  {
    name: 'two Content-Lengths, the first hides a message',
    bytes: post([`Content-Length: ${get.length}`, 'Content-Length: 0'], get),
    want: [refused],
  },
  {
    name: 'two Content-Lengths the same',
    bytes: post([five, five], `hello${get}`),
    want: [refused, two],
  },
  {
    name: 'a Content-Length with a space before its colon',
    bytes: post(['Content-Length : 5'], `hello${get}`),
    want: [refused],
  },
  {
    name: 'a Content-Length, folded',
    bytes: post(['Content-Length:\r\n 5'], `hello${get}`),
    want: [refused, two],
  },
  {
    name: 'Content-Length and Transfer-Encoding',
    bytes: post([five, chunks], `0\r\n\r\n${get}`),
    want: [refused, oneThenRefused],
  },
  {
    name: 'Transfer-Encoding and Content-Length',
    bytes: post([chunks, five], `0\r\n\r\n${get}`),
    want: [refused, oneThenRefused],
  },
  {
    name: 'Content-Length and Transfer-Encoding, a message hidden from one of them',
    bytes: post([`Content-Length: ${get.length + 5}`, chunks], `0\r\n\r\n${get}`),
    want: [refused, oneThenRefused],
  },
  {
    name: 'an empty Content-Length and Transfer-Encoding',
    bytes: post(['Content-Length:', chunks], `0\r\n\r\n${get}`),
    want: [refused],
  },
  codingOf('empty', ''),
  codingOf('identity', ' identity', get),
  codingOf('unknown', ' xchunked'),
  codingOf('unknown, its body chunked', ' x', `5\r\nhello\r\n0\r\n\r\n${get}`),
  codingOf('gzip alone', ' gzip'),
  codingOf('gzip, chunked', ' gzip, chunked'),
  codingOf('chunked, gzip', ' chunked, gzip'),
  codingOf('chunked twice', ' chunked, chunked'),
  codingOf('chunked with a NUL', ' chunked\0'),
  codingOf('chunked in quotes', ' "chunked"'),
  codingOf('chunked with a parameter', ' chunked;a=b'),
  codingOf('chunked behind a vertical tab', ' \x0bchunked'),
  codingOf('chunked with a comma', ' ,chunked'),
  codingOf('chun ked', ' chun ked'),
  {
    name: 'Transfer-Encoding in capitals',
    bytes: post(['TRANSFER-ENCODING: CHUNKED'], `0\r\n\r\n${get}`),
    want: [two],
  },
  {
    name: 'two Transfer-Encodings, the second unknown',
    bytes: post([chunks, 'Transfer-Encoding: x'], `0\r\n\r\n${get}`),
    want: [refused],
  },
  {
    name: 'two Transfer-Encodings, the first unknown',
    bytes: post(['Transfer-Encoding: x', chunks], `0\r\n\r\n${get}`),
    want: [refused],
  },
  {
    name: 'two Transfer-Encodings, both chunked',
    bytes: post([chunks, chunks], `0\r\n\r\n${get}`),
    want: [refused],
  },
  {
    name: 'a Transfer-Encoding with a space before its colon',
    bytes: post(['Transfer-Encoding : chunked'], `0\r\n\r\n${get}`),
    want: [refused],
  },
  {
    name: 'a Transfer-Encoding with an underscore',
    bytes: post(['Transfer_Encoding: chunked'], get),
    want: [two, refused],
  },
  {
    name: 'a Transfer-Encoding, folded',
    bytes: post(['Transfer-Encoding:\r\n chunked'], `0\r\n\r\n${get}`),
    want: [refused, two],
  },
  {
    name: 'a length above --max-body',
    bytes: post(['Content-Length: 1000001'], 'hello'),
    want: [refused, one],
  },
];
