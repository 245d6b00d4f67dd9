/**
 * The project `newer-build` runs process tests with the image's uWebSockets.js build, Node.js and
 * Debian. This file proves it. If they are unavailable, it is the project's only test.
 */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';

const {
  RETO3_TEST_ROOT: root,
  RETO3_TEST_ALL: all,
  RETO3_NEWER_BUILD_MISSING: missing = 'npm test makes its root',
} = process.env;

const name = 'servers under test run the newer build on Node.js 24';

if (root) {
  test(name, async () => {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const info = await askInfo(server.adminUrl);
    expect(info.uWebSockets).toMatch(/ \(newer build\)$/);
    expect(info.nodejs).toMatch(/^24\./);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    // A start with the older build would warn (start.test.ts).
    expect(server.stderr).not.toMatch(/^\{"level":40,/m);
  });
} else if (all === '1') {
  test(name, () => {
    throw new Error(`cannot run the tests of the newer build: ${missing}`);
  });
} else {
  test.skip(`${name} (skipped: ${missing})`, () => undefined);
}
