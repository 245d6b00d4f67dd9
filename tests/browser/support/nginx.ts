/** nginx as a reverse proxy before a server, with a path of its own, set up as its manual shows. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/folder.ts';
import { freePort } from '../../support/port.ts';
import { launch } from '../../support/processes.ts';
import { waitUntil } from '../../support/wait.ts';

/**
 * Resolves when it answers.
 * @param path such as /b
 * @returns the address under which the server is then, without a slash at its end
 */
export async function proxyUnder(path: string, adminUrl: string): Promise<string> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const parts = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await mkdir(join(folder, 'parts'));
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
${parts.map((name) => `  ${name}_temp_path ${folder}/parts/${name};`).join('\n')}
  server {
    listen 127.0.0.1:${port};
    location ${path}/ { proxy_pass ${adminUrl}/; }
  }
}
`,
  );
  const nginx = launch('nginx', ['-p', folder, '-c', file, '-e', 'stderr']);
  const url = `http://127.0.0.1:${port}${path}`;
  await waitUntil('nginx answers', async () => {
    if (!nginx.running) throw new Error(`cannot start nginx: ${nginx.stderr}`);
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200;
  });
  return url;
}
