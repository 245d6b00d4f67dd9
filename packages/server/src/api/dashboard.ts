/**
 * Serves the dashboard: the files of packages/dashboard, at `/` of the admin address.
 *
 * Each of its few files has a route, so no request path ever reaches the disk. (@fastify/static
 * would add 55 ms to every start.) The files contain no counts, so they need no token; the page
 * asks the user for it.
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

export const dashboardRoutes: FastifyPluginAsync<{ readonly log: Log }> = async (app, { log }) => {
  const folder = dirname(fileURLToPath(import.meta.resolve('@reto3/dashboard/index.html')));
  for (const name of await filesIn(folder, log)) {
    const path = name === 'index.html' ? '/' : `/${name.replaceAll(sep, '/')}`;
    // Every name but the page's contains a hash of the content.
    const caching = path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable';
    app.get(path, { config: { public: true }, schema: { hide: true } }, async (_, reply) => {
      reply.type(types[extname(name)] ?? 'application/octet-stream');
      reply.headers({ 'cache-control': caching, 'content-security-policy': policy });
      return readFile(join(folder, name));
    });
  }
};

/** A server without its dashboard still counts. */
async function filesIn(folder: string, log: Log): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true });
    return entries.filter((name) => extname(name) in types);
  } catch {
    log.warn('the dashboard is missing: run npm run build');
    return [];
  }
}
