/** A real nginx in a temporary folder: needs no root and leaves nothing behind. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { launch, type RunningProcess } from './processes.ts';

const parts = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @param http the content of the `http` block; without a log of its own, nothing is logged */
export async function startNginx(http: string): Promise<RunningProcess> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'parts'));
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
${/^access_log /m.test(http) ? '' : '  access_log off;'}
${parts.map((name) => `  ${name}_temp_path ${folder}/parts/${name};`).join('\n')}
${http}
}
`,
  );
  return launch('nginx', ['-p', folder, '-c', file, '-e', 'stderr']);
}
