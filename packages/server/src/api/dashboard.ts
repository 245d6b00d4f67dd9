/**
 * Serves the dashboard: the files of packages/dashboard, at `/` of the admin address.
 *
 * Each of its few files has a route, so no request path ever reaches the disk. (@fastify/static
 * would add 55 ms to every start.) The server keeps their 190 KB in memory: an upgrade that replaces
 * them on disk must not mix two versions of the page. The files contain no counts, so they need no
 * token; the page asks the user for it.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * Replaces the policy of other answers. Allows files of this server only, and no inline code or
 * styles.
 */
const policy =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served without a token. */
    readonly public?: boolean;
  }
}

export const dashboardRoutes: FastifyPluginAsync<{
  readonly log: Log;
  /** By default that of packages/dashboard. */
  readonly folder?: string;
}> = async (app, { log, folder = builtFolder() }) => {
  for (const { name, content } of await filesIn(folder, log)) {
    const path = name === 'index.html' ? '/' : `/${name.replaceAll(sep, '/')}`;
    // Every name but the page's contains a hash of the content.
    const caching = path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable';
    app.get(path, { config: { public: true }, schema: { hide: true } }, async (_, reply) => {
      reply.type(types[extname(name)] ?? 'application/octet-stream');
      reply.headers({ 'cache-control': caching, 'content-security-policy': policy });
      return content;
    });
  }
};

function builtFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve('@reto3/dashboard/index.html')));
}

interface PageFile {
  /** Relative to the folder. */
  readonly name: string;
  readonly content: Buffer;
}

/** A server without its dashboard still counts. */
async function filesIn(folder: string, log: Log): Promise<PageFile[]> {
  try {
    const entries = await readdir(folder, { recursive: true });
    return await Promise.all(
      entries
        .filter((name) => extname(name) in types)
        .map(async (name) => ({ name, content: await readFile(join(folder, name)) })),
    );
  } catch {
    log.warn('the dashboard is missing: run npm run build');
    return [];
  }
}
