import { expect, test } from 'vitest';
import { ingestAddress } from './empty.ts';

test.each([
  ['http://0.0.0.0:8080', 'reto3.example', 'http://reto3.example:8080/'],
  ['http://[::]:8080', '127.0.0.1', 'http://127.0.0.1:8080/'],
  ['http://127.0.0.1:9000', 'reto3.example', 'http://127.0.0.1:9000/'],
  ['https://0.0.0.0:443', 'reto3.example', 'https://reto3.example/'],
])('a server that listens on %s and is looked at on %s takes requests at %s', (...all) => {
  const [ingestUrl, pageHost, address] = all;
  expect(ingestAddress(ingestUrl, pageHost)).toBe(address);
});
