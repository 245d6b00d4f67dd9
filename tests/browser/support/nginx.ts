/** nginx as a reverse proxy with a path of its own, configured as its manual shows. */
import { freePort } from '@reto3/bench/src/free-port.ts';
import { startNginx } from '../../support/nginx.ts';
import { waitUntil } from '../../support/wait.ts';

/**
 * Resolves when nginx answers.
 * @param path such as /b
 * @returns the server's address behind nginx, without a trailing slash
 */
export async function proxyUnder(path: string, adminUrl: string): Promise<string> {
  const port = await freePort();
  const nginx = await startNginx(`  server {
    listen 127.0.0.1:${port};
    location ${path}/ { proxy_pass ${adminUrl}/; }
  }`);
  const url = `http://127.0.0.1:${port}${path}`;
  await waitUntil('nginx answers', async () => {
    if (!nginx.running) throw new Error(`cannot start nginx: ${nginx.stderr}`);
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200;
  });
  return url;
}
