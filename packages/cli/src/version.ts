/** The line of `reto3 --version`: the version, the platform, and the build of uWebSockets.js. */

import { version } from '@reto3/core';
import { loadUws } from '@reto3/server/uws';

/** Such as `reto3/0.2.0 linux-x64 node-v20.20.2 uWebSockets.js-20.30.0 (older build)`. */
export function versionLine(): string {
  const { platform, arch, version: node } = process;
  return `reto3/${version} ${platform}-${arch} node-${node} ${uws()}`;
}

function uws(): string {
  try {
    return `uWebSockets.js-${loadUws().version}`;
  } catch {
    // --http node still works, and counts can still be read.
    return 'no uWebSockets.js that loads here';
  }
}
