/**
 * The dashboard: the files of packages/dashboard, at `/` of the admin address.
 *
 * A handful of files, known when the server starts: each is a route of its own, so no path is ever
 * looked up on the disk. (@fastify/static would add 55 ms to every start.) They say nothing of the
 * counts, so they are shown to everybody; the page then asks for the token.
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

/** Beyond what every answer says: only files of this server, nothing written into the page itself. */
const policy =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Shown to those as well who have no token. */
    readonly open?: boolean;
  }
}

export const dashboardRoutes: FastifyPluginAsync<{ readonly log: Log }> = async (app, { log }) => {
  const folder = dirname(fileURLToPath(import.meta.resolve('@reto3/dashboard/index.html')));
  for (const name of await filesIn(folder, log)) {
    const path = name === 'index.html' ? '/' : `/${name.replaceAll(sep, '/')}`;
    // The names of all but the page itself change with what is in them.
    const caching = path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable';
    app.get(path, { config: { open: true }, schema: { hide: true } }, async (_, reply) => {
      reply.type(types[extname(name)] ?? 'application/octet-stream');
      reply.headers({ 'cache-control': caching, 'content-security-policy': policy });
      return readFile(join(folder, name));
    });
  }
};

/** Without the page a server counts all the same. */
async function filesIn(folder: string, log: Log): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true });
    return entries.filter((name) => extname(name) in types);
  } catch {
    log.warn('there is no dashboard: it has not been built; npm run build builds it');
    return [];
  }
}
