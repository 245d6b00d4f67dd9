import { expect, it, vi } from 'vitest';
import { resolveConfig } from '../config/resolve-config.ts';
import { logReady } from './log-ready.ts';

/** The warnings of a start on this build, or on this version of Node.js. */
function warningsOf(http: 'uws' | 'node', version: string, ingests = true): readonly string[] {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), fatal: vi.fn() };
  const config = resolveConfig({ http }, {});
  const facts = { ingestUrl: 'http://0.0.0.0:8080', adminUrl: 'http://127.0.0.1:8081', version };
  logReady({ config, ingests, log }, facts);
  return log.warn.mock.calls.map((given) => String(given.at(-1)));
}

it('warns of what the older uWebSockets.js build does not answer, and of nothing else', () => {
  const older = '20.30.0-unofficial.0 (older build)';
  expect(warningsOf('uws', older)).toEqual([
    expect.stringMatching(
      /^uWebSockets\.js 20\.30\.0-unofficial\.0 \(older build\): only GET, HEAD, .* are answered; the newer build needs glibc 2\.38 .*, and --http node serves all of them$/,
    ),
  ]);
  expect(warningsOf('uws', '20.57.0 (newer build)')).toEqual([]);
  expect(warningsOf('node', '24.21.0')).toEqual([]);
  // It answers no messages.
  expect(warningsOf('uws', older, false)).toEqual([]);
});
