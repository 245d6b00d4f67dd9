import { expect, it } from 'vitest';
import { hostAndPort, unmapped } from './address-text.ts';

it.each([
  ['127.0.0.1', '127.0.0.1:8080'],
  ['localhost', 'localhost:8080'],
  ['::1', '[::1]:8080'],
  ['::ffff:192.0.2.1', '[::ffff:192.0.2.1]:8080'],
])('a port behind %s is %s', (host, text) => {
  expect(hostAndPort(host, 8_080)).toBe(text);
});

it.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:1', '::ffff:1'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
])('%s is %s', (address, plain) => {
  expect(unmapped(address)).toBe(plain);
});
