/** How many workers of an HTTP engine this system can run. */
import type { HttpEngineName } from '@reto3/core';

/** Platforms on which several sockets can listen on one port and share its connections. */
const platformsThatShare: readonly NodeJS.Platform[] = ['linux', 'freebsd', 'sunos', 'aix'];

/**
 * Whether several workers can listen on one port with Node's server: Node.js has `reusePort` since
 * 22.12 and 23.1.
 */
export function nodeSharesPorts(version: string, platform: NodeJS.Platform): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const hasReusePort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return hasReusePort && platformsThatShare.includes(platform);
}

/** The number of workers to run if `wanted` are configured. */
export function workersOf(
  engine: HttpEngineName,
  wanted: number,
  version: string = process.versions.node,
  platform: NodeJS.Platform = process.platform,
): number {
  return engine === 'node' && !nodeSharesPorts(version, platform) ? 1 : wanted;
}
