import { expect, it } from 'vitest';
import { addressText } from './head.ts';

it.each([
  ['7f000001', '127.0.0.1'],
  ['00000000000000000000ffffc0000207', '192.0.2.7'],
  ['20010db8000000000000000000000001', '2001:db8::1'],
  ['00000000000000000000000000000001', '::1'],
])('the address %s is written %s', (hex, text) => {
  expect(addressText(Buffer.from(hex, 'hex'))).toBe(text);
});
