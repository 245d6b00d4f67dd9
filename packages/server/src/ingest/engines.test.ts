import { expect, it } from 'vitest';
import { nodeSharesPorts, workersOf } from './engines.ts';

it.each([
  ['20.19.0', 'linux', false],
  ['22.11.0', 'linux', false],
  ['22.12.0', 'linux', true],
  ['23.0.0', 'linux', false],
  ['23.1.0', 'linux', true],
  ['24.0.0', 'linux', true],
  ['24.0.0', 'darwin', false],
  ['24.0.0', 'win32', false],
] as const)('Node.js %s on %s shares a port: %s', (version, platform, shares) => {
  expect(nodeSharesPorts(version, platform)).toBe(shares);
});

it('gives one worker if a port cannot be shared, and uWebSockets.js the wanted number', () => {
  expect(workersOf('node', 4, '20.20.2', 'linux')).toBe(1);
  expect(workersOf('node', 4, '24.1.0', 'linux')).toBe(4);
  expect(workersOf('uws', 4, '20.20.2', 'linux')).toBe(4);
});
