/**
 * Loads uWebSockets.js: the newer build if it loads, otherwise the older one. The only file that
 * imports it.
 *
 * The author publishes no npm release; two npm packages carry the binaries
 * (docs/decisions/0001-uwebsockets-builds.md). The newer one has the better HTTP parser and needs
 * glibc 2.38. The older one's entry point falls back to a slow imitation in JavaScript if no binary
 * fits, so its binary is loaded directly.
 */

import type * as UWebSockets from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { messageOf, Reto3Error } from '@reto3/core';

/** The part of uWebSockets.js that reto3 uses; both builds have it. */
type UwsModule = Pick<
  typeof UWebSockets,
  'App' | 'SSLApp' | 'us_listen_socket_close' | 'us_socket_local_port'
>;

export interface UwsBuild {
  readonly uws: UwsModule;
  /** Such as `20.57.0 (newer build)`. */
  readonly version: string;
}

const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

const builds = [
  { label: 'newer build', entry: 'uWebSockets.js', manifest: './package.json' },
  {
    label: 'older build',
    entry: `uWebSockets.js-older/binaries/${binary}`,
    manifest: '../package.json',
  },
] as const;

/** What that build does not support of HTTP/1.1; undefined for the newer one. */
export function limitsOf(version: string): string | undefined {
  return version.includes(builds[1].label)
    ? 'only GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE and CONNECT, and only header names of letters, digits and "-", are answered'
    : undefined;
}

/** @throws Reto3Error RETO3_UWS_MISSING if neither build fits this machine */
export function loadUws(): UwsBuild {
  const require = createRequire(import.meta.url);
  const failures: string[] = [];
  for (const { label, entry, manifest } of builds) {
    try {
      const uws: unknown = require(entry);
      if (!isUws(uws)) throw new Error(`${entry} is not uWebSockets.js`);
      return {
        uws,
        version: `${versionIn(createRequire(require.resolve(entry))(manifest))} (${label})`,
      };
    } catch (error) {
      failures.push(`${label}: ${reasonOf(error)}`);
    }
  }
  throw new Reto3Error(
    'RETO3_UWS_MISSING',
    `cannot load uWebSockets.js on Node.js ${process.versions.node}, ${process.platform}-${process.arch}: ${failures.join('; ')}`,
  );
}

function reasonOf(error: unknown): string {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
  return isMissing ? `no ${binary}` : `${messageOf(error).trim().split('\n').at(-1)}`;
}

function isUws(module: unknown): module is UwsModule {
  return (
    typeof module === 'object' &&
    module !== null &&
    'App' in module &&
    'us_listen_socket_close' in module
  );
}

function versionIn(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown version';
}
