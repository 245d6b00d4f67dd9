/**
 * The projects `newer-build` and `newer-build-load` run process tests with the image's
 * uWebSockets.js build, Node.js and Debian. This file proves it. If they are unavailable, it is the
 * only test of each.
 */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';

const {
  RETO3_TEST_ROOT: root,
  RETO3_TEST_ALL: all,
  RETO3_NEWER_BUILD_MISSING: missing = 'this is not npm test',
} = process.env;

const name = 'servers under test run the newer build on Node.js 24';
const why = `there is no Debian 13 with Node.js 24, which npm test makes as root on a Debian with debootstrap: ${missing}`;

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
    throw new Error(`cannot run the tests of the newer build: ${why}`);
  });
} else {
  test.skip(`${name} (skipped: ${why})`, () => undefined);
}
